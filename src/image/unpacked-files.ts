/** Packages, each unpacked into a folder of its own, seen as the one file system that they would be when they are installed. */
import { readdir, readlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { merged } from './package-tree.js';

/** As Linux: more links on the way to a file are a circle. */
const MOST_LINKS = 40;

type Entry = { readonly kind: 'file'; readonly source: string } | { readonly kind: 'link'; readonly target: string };

export class UnpackedFiles {
  /** By path, /usr merged; folders are not in it. */
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #folders: ReadonlyMap<string, ReadonlySet<string>>;

  private constructor(entries: ReadonlyMap<string, Entry>, folders: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#entries = entries;
    this.#folders = folders;
  }

  static async index(roots: readonly string[]): Promise<UnpackedFiles> {
    const entries = new Map<string, Entry>();
    const folders = new Map<string, Set<string>>();
    for (const root of roots) {
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        const source = join(entry.parentPath, entry.name);
        const path = merged(source.slice(root.length));
        const names = folders.get(dirname(path)) ?? new Set();
        folders.set(dirname(path), names.add(posix.basename(path)));
        if (entry.isFile()) entries.set(path, { kind: 'file', source });
        else if (entry.isSymbolicLink()) entries.set(path, { kind: 'link', target: await readlink(source) });
      }
    }
    return new UnpackedFiles(entries, folders);
  }

  /** The file behind `path`, links followed. */
  find(path: string): string | undefined {
    let at = posix.normalize(path);
    for (let links = 0; links < MOST_LINKS; links += 1) {
      const entry = this.#entries.get(at);
      if (entry?.kind === 'file') return entry.source;
      const next = entry?.kind === 'link' ? posix.resolve(dirname(at), entry.target) : this.#throughLinkedFolder(at);
      if (next === undefined) return undefined;
      at = merged(next);
    }
    return undefined;
  }

  /** The path again when one of its folders is a symbolic link. */
  #throughLinkedFolder(path: string): string | undefined {
    for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
      const entry = this.#entries.get(folder);
      if (entry?.kind === 'link') return posix.resolve(dirname(folder), entry.target) + path.slice(folder.length);
    }
    return undefined;
  }

  list(folder: string): readonly string[] {
    return [...(this.#folders.get(folder) ?? [])].sort();
  }
}
