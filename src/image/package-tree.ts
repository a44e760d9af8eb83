/**
 * Where the parts of an image come from: files of Debian packages, installed on this machine or unpacked beside it.
 *
 * Paths are those of a system with merged /usr, as Debian has it since 12: /lib/x is /usr/lib/x.
 */
import { StubferryError } from '../base/errors/index.js';

/** The package that a file is from. */
export interface Origin {
  readonly package: string;
  readonly version: string;
}

export interface PackageTree {
  /** The file on this machine that holds the bytes of `path`, symbolic links followed; undefined when there is none. */
  find(path: string): Promise<string | undefined>;
  /** Names in a folder, sorted; empty when it is not there. */
  list(folder: string): Promise<readonly string[]>;
  /** The packages of files that were found. */
  originsOf(files: readonly string[]): Promise<ReadonlyMap<string, Origin>>;
  /** How a package comes into the tree. */
  advice(packageName: string): string;
}

/** A part of an image: where it is to be, and where its bytes are. */
export interface Part {
  /** Absolute. */
  readonly path: string;
  readonly source: string;
}

/** @throws StubferryError PACKAGE_MISSING */
export async function findPart(tree: PackageTree, path: string, packageName: string): Promise<Part> {
  const source = await tree.find(path);
  if (source !== undefined) return { path, source };
  throw new StubferryError('PACKAGE_MISSING', 'a file of the image is not there', {
    where: path,
    expected: `the package ${packageName}`,
    hint: tree.advice(packageName),
  });
}

/** Names with versions in them, in the order of the versions: `xen-4.9` is older than `xen-4.17`. */
export function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

export function newest(names: readonly string[]): string | undefined {
  return [...names].sort(byVersion).at(-1);
}

const MERGED = /^\/(?<folder>bin|sbin|lib|lib32|lib64|libx32)(?=\/|$)/;

/** The path with /usr in front where that is merged. */
export function merged(path: string): string {
  return MERGED.test(path) ? `/usr${path}` : path;
}

/** The path as a package may have it that is older than the merge; undefined when there is no such path. */
export function unmerged(path: string): string | undefined {
  const bare = path.startsWith('/usr/') ? path.slice('/usr'.length) : undefined;
  return bare !== undefined && MERGED.test(bare) ? bare : undefined;
}
