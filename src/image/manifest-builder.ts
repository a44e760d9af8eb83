/** Builds the manifest: records each file that goes into an image, with its path, its digest and its package. */
import { digestOf, digestOfFile, type ManifestFile } from './manifest.js';
import type { Origin, PackageTree } from './package-tree.js';

interface Entry {
  readonly path: string;
  readonly in: ManifestFile['in'];
  /** The file on this machine that the package contains. */
  readonly source: string;
  /** The content in the image: the path of a file on this machine, or the bytes. */
  readonly content: string | Buffer;
}

/** The origin of a file that belongs neither to a package nor to stubferry: an administrator copied it there. */
const UNKNOWN: Origin = { package: '', version: '' };

/** The files of an image that is being built. */
export class ManifestBuilder {
  readonly #entries: Entry[] = [];
  readonly #known = new Map<string, Origin>();

  /** Records a file. @param origin where the file comes from, if not from a package of the tree */
  add(entry: Entry, origin?: Origin): void {
    this.#entries.push(entry);
    if (origin !== undefined) this.#known.set(entry.source, origin);
  }

  /** Lists all files: those of the ramdisk first, each group sorted by path. */
  async list(tree: PackageTree): Promise<ManifestFile[]> {
    const sources = this.#entries.map(({ source }) => source).filter((source) => !this.#known.has(source));
    const origins = new Map([...(await tree.originsOf(sources)), ...this.#known]);
    const files: ManifestFile[] = [];
    for (const { path, in: archive, source, content } of this.#entries) {
      const digest = typeof content === 'string' ? await digestOfFile(content) : digestOf(content);
      files.push({ path, in: archive, ...digest, ...(origins.get(source) ?? UNKNOWN) });
    }
    return files.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  }
}

function orderOf({ in: archive, path }: ManifestFile): string {
  return `${archive} ${path}`;
}
