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
import { StubferryError } from '../base/errors/index.js';
import { merged, newest, type Origin, type PackageTree } from './package-tree.js';
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
    const settings = [
      ...[`Dir::State::status=${status}`, `Dir::Cache::archives=${archives}`],
      // apt's own index of all packages is not written for this one question, and it is not waited for another apt.
      ...['Dir::Cache::pkgcache=', 'Dir::Cache::srcpkgcache=', 'Debug::NoLocking=1', 'APT::Sandbox::User=root'],
      'APT::Install-Recommends=0',
    ];
    const options = ['-qq', ...settings.flatMap((setting) => ['-o', setting])];
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
    const found = newest(names.filter((name) => pattern.test(name)));
    if (found !== undefined) return found;
    throw new StubferryError('PACKAGE_MISSING', 'apt knows no package of a kind that the image needs', {
      where: `${pattern.source}`,
      hint: 'apt-get update, with the main archive of Debian among its sources',
    });
  });
}

/** Downloads what is depended on and not there yet. @returns file names of all of it, sorted */
async function download(
  packages: readonly string[],
  options: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const install = ['--yes', ...options, 'install', ...packages];
  // To a folder without any package it lists all that belong to this set; the cache may have others, of another day.
  const listed = ['--print-uris', '-o', 'Dir::Cache::archives=/nonexistent'];
  const listing = await runTool('apt-get', [...install, ...listed], signal);
  await runTool('apt-get', [...install, '--download-only'], signal);
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
