/**
 * Packages that apt resolves and downloads, and that are unpacked beside the system: nothing is installed, no maintainer script
 * runs, and root is not needed.
 *
 *     CACHE/archives/NAME_VERSION_ARCH.deb
 *     CACHE/unpacked/NAME_VERSION_ARCH/usr/...
 *
 * apt is told that nothing is installed at all, so that it downloads every package that is depended on, the C library included.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { StubferryError } from '../errors/index.js';
import { merged, type Origin, type PackageTree } from './package-tree.js';
import { runTool } from './run-tool.js';
import { UnpackedFiles } from './unpacked-files.js';

export interface AptOptions {
  /** Folder that keeps what was downloaded. */
  readonly cache: string;
  readonly packages: readonly string[];
  /** Packages whose names hold a version, as patterns; of each the newest is taken. */
  readonly patterns: readonly RegExp[];
}

export class AptTree implements PackageTree {
  readonly #files: UnpackedFiles;
  readonly #origins: ReadonlyMap<string, Origin>;

  private constructor(files: UnpackedFiles, origins: ReadonlyMap<string, Origin>) {
    this.#files = files;
    this.#origins = origins;
  }

  /** @throws StubferryError TOOL_MISSING, TOOL_FAILED, PACKAGE_MISSING */
  static async open({ cache, packages, patterns }: AptOptions, signal: AbortSignal): Promise<AptTree> {
    const [archives, unpacked] = [join(cache, 'archives'), join(cache, 'unpacked')];
    const status = join(cache, 'nothing-installed');
    await mkdir(join(archives, 'partial'), { recursive: true });
    await mkdir(unpacked, { recursive: true });
    await writeFile(status, '');
    const options = ['-o', `Dir::State::status=${status}`, '-o', `Dir::Cache::archives=${archives}`];
    const wanted = [...packages, ...(await namesOf(patterns, options, signal))];
    const debs = await download(wanted, options, signal);
    const origins = new Map<string, Origin>();
    for (const deb of debs) {
      const folder = join(unpacked, basename(deb, '.deb'));
      await unpack(join(archives, deb), folder, signal);
      origins.set(folder, originOf(deb));
    }
    return new AptTree(await UnpackedFiles.index([...origins.keys()]), origins);
  }

  async find(path: string): Promise<string | undefined> {
    return this.#files.find(merged(path));
  }

  async list(folder: string): Promise<readonly string[]> {
    return this.#files.list(merged(folder));
  }

  async originsOf(files: readonly string[]): Promise<ReadonlyMap<string, Origin>> {
    return new Map(
      files.flatMap((file): [string, Origin][] => {
        const found = [...this.#origins].find(([folder]) => file.startsWith(`${folder}/`));
        return found === undefined ? [] : [[file, found[1]]];
      }),
    );
  }

  advice(packageName: string): string {
    return `apt has no ${packageName} that holds it: see 'apt-cache policy ${packageName}'`;
  }
}

/** The newest of each kind. */
async function namesOf(
  patterns: readonly RegExp[],
  options: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names = (await runTool('apt-cache', [...options, 'pkgnames'], signal)).split('\n');
  return patterns.map((pattern) => {
    const newest = names
      .filter((name) => pattern.test(name))
      .sort(byVersion)
      .at(-1);
    if (newest !== undefined) return newest;
    throw new StubferryError('PACKAGE_MISSING', 'apt knows no package of a kind that the image needs', {
      where: `${pattern.source}`,
      hint: 'apt-get update, with the main archive of Debian among its sources',
    });
  });
}

/** `xen-utils-4.9` is older than `xen-utils-4.17`. */
export function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** @returns file names of all packages that are depended on, in the order of their names */
async function download(
  packages: readonly string[],
  options: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const quiet = ['-o', 'Debug::NoLocking=1', '-o', 'APT::Install-Recommends=0', '-o', 'APT::Sandbox::User=root', '-qq'];
  const install = ['--yes', ...quiet, ...options, 'install', ...packages];
  await runTool('apt-get', ['--download-only', ...install], signal);
  // What is there may be of other builds too: this lists the files of this set.
  const listing = await runTool(
    'apt-get',
    ['--print-uris', '--reinstall', ...install, '-o', 'Dir::Cache::archives=/nonexistent'],
    signal,
  );
  return [...listing.matchAll(/^'[^']*' (?<file>\S+\.deb) /gm)].map((match) => match.groups?.['file'] ?? '').sort();
}

/** @returns what `NAME_VERSION_ARCH.deb` says; a `:` of the version is written as `%3a` there */
function originOf(deb: string): Origin {
  const [name = '', version = ''] = basename(deb, '.deb').split('_');
  return { package: name, version: decodeURIComponent(version) };
}

/** Unpacks it, if that was not done before; a folder is there only when all of it is. */
async function unpack(deb: string, folder: string, signal: AbortSignal): Promise<void> {
  if ((await readdir(folder).catch(() => undefined)) !== undefined) return;
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part);
  await runTool('dpkg-deb', ['--extract', deb, part], signal);
  await rename(part, folder);
}
