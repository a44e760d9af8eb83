/**
 * Packages that are unpacked into one directory each, presented as the file system that they form when they are
 * installed.
 */
import { readdir, readlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { merged } from './package-tree.js';

/** The limit of symbolic links on the way to a file, as in Linux. A path with more is treated as a loop. */
const MOST_LINKS = 40;

type Entry = { readonly kind: 'file'; readonly source: string } | { readonly kind: 'link'; readonly target: string };

/** An index over the files of unpacked packages. */
export class UnpackedFiles {
  /** Files and symbolic links by their paths, in the merged /usr layout. Directories are not included. */
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #directories: ReadonlyMap<string, ReadonlySet<string>>;

  private constructor(entries: ReadonlyMap<string, Entry>, directories: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#entries = entries;
    this.#directories = directories;
  }

  /** Reads all directories. @param roots the directories that packages are unpacked into */
  static async index(roots: readonly string[]): Promise<UnpackedFiles> {
    const entries = new Map<string, Entry>();
    const directories = new Map<string, Set<string>>();
    for (const root of roots) {
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        const source = join(entry.parentPath, entry.name);
        const path = merged(source.slice(root.length));
        const names = directories.get(dirname(path)) ?? new Set();
        directories.set(dirname(path), names.add(posix.basename(path)));
        if (entry.isFile()) entries.set(path, { kind: 'file', source });
        else if (entry.isSymbolicLink()) entries.set(path, { kind: 'link', target: await readlink(source) });
      }
    }
    return new UnpackedFiles(entries, directories);
  }

  /** @returns the file on this machine for `path`, after following symbolic links; undefined when there is none */
  find(path: string): string | undefined {
    let current = posix.normalize(path);
    for (let links = 0; links < MOST_LINKS; links += 1) {
      const entry = this.#entries.get(current);
      if (entry?.kind === 'file') return entry.source;
      const next =
        entry?.kind === 'link' ? posix.resolve(dirname(current), entry.target) : this.#throughLinkedDirectory(current);
      if (next === undefined) return undefined;
      current = merged(next);
    }
    return undefined;
  }

  /**
   * @returns the path with its innermost linked parent directory replaced by the link's target; undefined when none is
   *   a link
   */
  #throughLinkedDirectory(path: string): string | undefined {
    for (let directory = dirname(path); directory !== '/'; directory = dirname(directory)) {
      const entry = this.#entries.get(directory);
      if (entry?.kind === 'link') return posix.resolve(dirname(directory), entry.target) + path.slice(directory.length);
    }
    return undefined;
  }

  /** @returns the names in a directory, sorted; empty when there is no such directory */
  list(directory: string): readonly string[] {
    return [...(this.#directories.get(directory) ?? [])].sort();
  }
}
