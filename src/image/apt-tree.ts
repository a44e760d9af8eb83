/**
 * Packages that apt resolves and downloads, and that stubferry unpacks into a cache directory. Nothing is installed, no
 * maintainer script runs, and root is not needed.
 *
 *     CACHE/archives/NAME_VERSION_ARCH.deb
 *     CACHE/unpacked/NAME_VERSION_ARCH/usr/...
 *
 * apt gets an empty list of installed packages, so that it downloads every dependency, including the C library.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { StubferryError } from '../base/errors/index.js';
import { merged, newest, type Origin, type PackageTree } from './package-tree.js';
import { runTool } from './run-tool.js';
import { UnpackedFiles } from './unpacked-files.js';

/** What to download, and where to keep it. */
export interface AptOptions {
  /** The directory in which downloaded and unpacked packages are kept. */
  readonly cache: string;
  /** Names of packages. */
  readonly packages: readonly string[];
  /** Patterns for packages whose names contain a version. The newest match of each pattern is used. */
  readonly patterns: readonly RegExp[];
}

/** A {@link PackageTree} over packages that apt downloads. */
export class AptTree implements PackageTree {
  readonly #files: UnpackedFiles;
  readonly #origins: ReadonlyMap<string, Origin>;

  private constructor(files: UnpackedFiles, origins: ReadonlyMap<string, Origin>) {
    this.#files = files;
    this.#origins = origins;
  }

  /**
   * Downloads and unpacks the packages with their dependencies.
   *
   * @throws StubferryError TOOL_MISSING, TOOL_FAILED: when apt or dpkg-deb is missing or fails
   * @throws StubferryError PACKAGE_MISSING: when apt has no package for a pattern
   */
  static async open({ cache, packages, patterns }: AptOptions, signal: AbortSignal): Promise<AptTree> {
    const [archives, unpacked] = [join(cache, 'archives'), join(cache, 'unpacked')];
    const status = join(cache, 'nothing-installed');
    await mkdir(join(archives, 'partial'), { recursive: true });
    await mkdir(unpacked, { recursive: true });
    await writeFile(status, '');
    const settings = [
      ...[`Dir::State::status=${status}`, `Dir::Cache::archives=${archives}`],
      // apt need not write its binary index of all packages for this one run, and need not wait for another apt.
      ...['Dir::Cache::pkgcache=', 'Dir::Cache::srcpkgcache=', 'Debug::NoLocking=1', 'APT::Sandbox::User=root'],
      'APT::Install-Recommends=0',
    ];
    const options = ['-qq', ...settings.flatMap((setting) => ['-o', setting])];
    const wanted = [...packages, ...(await namesOf(patterns, options, signal))];
    const debs = await download(wanted, options, signal);
    const origins = new Map<string, Origin>();
    for (const deb of debs) {
      const directory = join(unpacked, basename(deb, '.deb'));
      await unpack(join(archives, deb), directory, signal);
      origins.set(directory, originOf(deb));
    }
    return new AptTree(await UnpackedFiles.index([...origins.keys()]), origins);
  }

  async find(path: string): Promise<string | undefined> {
    return this.#files.find(merged(path));
  }

  async list(directory: string): Promise<readonly string[]> {
    return this.#files.list(merged(directory));
  }

  async originsOf(files: readonly string[]): Promise<ReadonlyMap<string, Origin>> {
    return new Map(
      files.flatMap((file): [string, Origin][] => {
        const found = [...this.#origins].find(([directory]) => file.startsWith(`${directory}/`));
        return found === undefined ? [] : [[file, found[1]]];
      }),
    );
  }

  advice(packageName: string): string {
    return `apt has no ${packageName} that contains it: see 'apt-cache policy ${packageName}'`;
  }
}

/** @returns the newest package name for each pattern */
async function namesOf(
  patterns: readonly RegExp[],
  options: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names = (await runTool('apt-cache', [...options, 'pkgnames'], signal)).split('\n');
  return patterns.map((pattern) => {
    const found = newest(names.filter((name) => pattern.test(name)));
    if (found !== undefined) return found;
    throw new StubferryError('PACKAGE_MISSING', 'apt has no package whose name matches a pattern of the image', {
      where: `${pattern.source}`,
      hint: "run 'apt-get update'; apt's sources must include Debian's main archive",
    });
  });
}

/** Downloads the packages and dependencies that are not in the cache. @returns the file names of all of them, sorted */
async function download(
  packages: readonly string[],
  options: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const install = ['--yes', ...options, 'install', ...packages];
  // With an empty archive directory, apt lists every package of this set. The cache may also contain packages of other
  // sets.
  const listed = ['--print-uris', '-o', 'Dir::Cache::archives=/nonexistent'];
  const listing = await runTool('apt-get', [...install, ...listed], signal);
  await runTool('apt-get', [...install, '--download-only'], signal);
  return [...listing.matchAll(/^'[^']*' (?<file>\S+\.deb) /gm)].map((match) => match.groups?.['file'] ?? '').sort();
}

/** Parses `NAME_VERSION_ARCH.deb`, where apt writes a `:` of the version as `%3a`. */
function originOf(deb: string): Origin {
  const [name = '', version = ''] = basename(deb, '.deb').split('_');
  return { package: name, version: decodeURIComponent(version) };
}

/** Unpacks a package, unless its directory exists already. The directory gets its name only when it is complete. */
async function unpack(deb: string, directory: string, signal: AbortSignal): Promise<void> {
  if ((await readdir(directory).catch(() => undefined)) !== undefined) return;
  const temporary = `${directory}.part`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  await runTool('dpkg-deb', ['--extract', deb, temporary], signal);
  await rename(temporary, directory);
}
