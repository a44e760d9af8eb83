/** What was put into an image: for each file its place, its digest and the package that it is from. */
import { digestOf, digestOfFile, type ManifestFile } from './manifest.js';
import type { Origin, PackageTree } from './package-tree.js';

interface Entry {
  readonly path: string;
  readonly in: ManifestFile['in'];
  /** The package's file. */
  readonly source: string;
  /** The file as it is in the image: a path on this machine, or its bytes. */
  readonly content: string | Buffer;
}

/** What is from no package and not from stubferry either: somebody has put it there by hand. */
const UNKNOWN: Origin = { package: '', version: '' };

export class ManifestBuilder {
  readonly #entries: Entry[] = [];
  readonly #known = new Map<string, Origin>();

  /** @param origin when it is not from a package of the tree */
  add(entry: Entry, origin?: Origin): void {
    this.#entries.push(entry);
    if (origin !== undefined) this.#known.set(entry.source, origin);
  }

  /** All of it, that of the ramdisk first, sorted by path. */
  async list(tree: PackageTree): Promise<ManifestFile[]> {
    const sources = this.#entries.map(({ source }) => source).filter((source) => !this.#known.has(source));
    const origins = new Map([...(await tree.originsOf(sources)), ...this.#known]);
    const files: ManifestFile[] = [];
    for (const { path, in: place, source, content } of this.#entries) {
      const digest = typeof content === 'string' ? await digestOfFile(content) : digestOf(content);
      files.push({ path, in: place, ...digest, ...(origins.get(source) ?? UNKNOWN) });
    }
    return files.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  }
}

function orderOf({ in: place, path }: ManifestFile): string {
  return `${place} ${path}`;
}
