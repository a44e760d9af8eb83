/**
 * Resolves and downloads Debian packages with the host's apt, as if nothing were installed. This needs neither a chroot
 * nor root. Of the state of the host, it reads only the package sources, and it changes nothing.
 *
 *     CACHE/lists/   package lists. They are downloaded when they do not exist, and again when a package is not at the
 *                    address that they contain.
 *     CACHE/debs/    packages, by name and version. Each appears when it is complete and its SHA-256 is correct.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.js';

export interface Package {
  /** The file name, such as `xen-utils-4.17_4.17.7-0+deb12u1_amd64.deb`. */
  readonly file: string;
  readonly uri: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A package is not at the address in the package lists, or its checksum differs. Newer lists may help. */
export class NotFetched extends Error {}

/** A program of apt that downloads files and verifies their checksums. */
const APT_HELPER = '/usr/lib/apt/apt-helper';

export class DebianPackages {
  readonly #cache: string;

  constructor(cache: string) {
    this.#cache = cache;
  }

  /** Returns the newest versions of these packages and their dependencies, without recommended packages. */
  async resolve(names: readonly string[]): Promise<Package[]> {
    await this.#haveLists();
    const install = ['-o', 'APT::Install-Recommends=0', '--print-uris', '-y', 'install'];
    return parseUris(await this.#apt('apt-get', [...install, ...names]));
  }

  /**
   * Returns the first dependency of a metapackage, without the dependencies of that package. For `linux-image-amd64` it
   * is the newest kernel.
   */
  async resolveBehind(name: string): Promise<Package> {
    await this.#haveLists();
    const real = /^ +Depends: (\S+)/m.exec(await this.#apt('apt-cache', ['depends', name]))?.[1];
    const [found] = real === undefined ? [] : parseUris(await this.#apt('apt-get', ['--print-uris', 'download', real]));
    if (found === undefined) throw new Error(`apt knows no dependency of ${name}`);
    return found;
  }

  /** Returns the paths of the package files, and downloads the missing ones first. @throws NotFetched */
  async fetch(packages: readonly Package[]): Promise<string[]> {
    const debs = await this.#folder('debs');
    const missing = packages.filter(({ file }) => !existsSync(join(debs, file)));
    if (missing.length > 0) {
      const partial = await mkdtemp(join(debs, 'partial-'));
      try {
        const wanted = missing.flatMap(({ uri, file, sha256 }) => [uri, join(partial, file), `SHA256:${sha256}`]);
        await this.#apt(APT_HELPER, ['download-file', ...wanted]).catch((cause: Error) => {
          throw new NotFetched(cause.message, { cause });
        });
        for (const { file } of missing) await rename(join(partial, file), join(debs, file));
      } finally {
        await rm(partial, { recursive: true, force: true });
      }
    }
    return packages.map(({ file }) => join(debs, file));
  }

  /** Removes the package lists, so that the next request downloads new ones. For a {@link NotFetched}. */
  async forgetLists(): Promise<void> {
    await rm(join(this.#cache, 'lists'), { recursive: true, force: true });
  }

  async #haveLists(): Promise<void> {
    const lists = join(this.#cache, 'lists');
    if (existsSync(lists)) return;
    const fresh = await mkdtemp(join(await this.#folder('.'), 'lists-'));
    await mkdir(join(fresh, 'partial'));
    await this.#apt('apt-get', ['update'], fresh);
    // If a concurrent process was faster, its lists are the same.
    await rename(fresh, lists).catch(() => rm(fresh, { recursive: true, force: true }));
  }

  async #apt(program: string, args: readonly string[], lists = join(this.#cache, 'lists')): Promise<string> {
    const nothing = await mkdtemp(join(await this.#folder('.'), 'apt-'));
    try {
      await mkdir(join(nothing, 'archives', 'partial'), { recursive: true });
      await writeFile(join(nothing, 'status'), '');
      const options = {
        'Dir::State::status': join(nothing, 'status'),
        'Dir::State::lists': lists,
        'Dir::Cache': nothing,
        'Debug::NoLocking': '1',
        'APT::Sandbox::User': '',
        'Acquire::ForceHash': 'SHA256',
        'Acquire::Retries': '3',
      };
      const given = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
      return `${await run(program, [...given, '-qq', ...args])}`;
    } finally {
      await rm(nothing, { recursive: true, force: true });
    }
  }

  async #folder(name: string): Promise<string> {
    const path = join(this.#cache, name);
    await mkdir(path, { recursive: true });
    return path;
  }
}

/** Parses the output of `apt-get --print-uris`: lines of `'URI' FILE BYTES SHA256:DIGEST`. */
function parseUris(printed: string): Package[] {
  return [...printed.matchAll(/^'(\S+)' (\S+) (\d+) SHA256:([0-9a-f]{64})$/gm)].map(
    ([, uri = '', file = '', bytes, sha256 = '']) => ({ uri, file, bytes: Number(bytes), sha256 }),
  );
}
