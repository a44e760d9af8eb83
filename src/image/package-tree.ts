/**
 * The source of an image's parts: files of Debian packages, which are installed on this machine or unpacked into a
 * cache.
 *
 * Paths follow the merged /usr layout of Debian 12 and newer: /lib/x is /usr/lib/x.
 */
import { StubferryError } from '../base/errors/index.js';

/** The package that a file comes from. */
export interface Origin {
  readonly package: string;
  readonly version: string;
}

/** The files of a set of packages. */
export interface PackageTree {
  /**
   * Returns the file on this machine with the content of `path`, after following symbolic links; undefined when there
   * is none.
   */
  find(path: string): Promise<string | undefined>;
  /** Returns the names in a directory, sorted; empty when there is no such directory. */
  list(directory: string): Promise<readonly string[]>;
  /** Returns the packages of files that {@link find} returned. Files without a known package are left out. */
  originsOf(files: readonly string[]): Promise<ReadonlyMap<string, Origin>>;
  /** Returns a hint for the user on how to add a package to the tree. */
  advice(packageName: string): string;
}

/** A file that goes into an image. */
export interface Part {
  /** The absolute path in the image. */
  readonly path: string;
  /** The path on this machine. */
  readonly source: string;
}

/**
 * Finds a file in the tree.
 *
 * @throws StubferryError PACKAGE_MISSING: when it is missing, with a hint on how to get its package
 */
export async function findPart(tree: PackageTree, path: string, packageName: string): Promise<Part> {
  const source = await tree.find(path);
  if (source !== undefined) return { path, source };
  throw new StubferryError('PACKAGE_MISSING', 'a file for the image is missing', {
    where: path,
    expected: `the package ${packageName}`,
    hint: tree.advice(packageName),
  });
}

/** Compares names that contain versions: `xen-4.9` is older than `xen-4.17`. */
export function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** Returns the name with the newest version; undefined when there are no names. */
export function newest(names: readonly string[]): string | undefined {
  return [...names].sort(byVersion).at(-1);
}

const MERGED = /^\/(?<directory>bin|sbin|lib|lib32|lib64|libx32)(?=\/|$)/;

/** Returns the path in the merged /usr layout. */
export function merged(path: string): string {
  return MERGED.test(path) ? `/usr${path}` : path;
}

/**
 * Returns the path in the layout before the merge of /usr, which older packages have; undefined when it is the same in
 * both.
 */
export function unmerged(path: string): string | undefined {
  const bare = path.startsWith('/usr/') ? path.slice('/usr'.length) : undefined;
  return bare !== undefined && MERGED.test(bare) ? bare : undefined;
}
