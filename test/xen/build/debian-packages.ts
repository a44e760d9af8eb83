/**
 * Debian packages, resolved and fetched by the host's apt as if nothing were installed: no chroot, no root, nothing of the
 * host's own state is read or changed but its sources.
 *
 *     CACHE/lists/   package lists, fetched when there are none, and again when a package is no longer where they say
 *     CACHE/debs/    packages, by name and version; each appears when it is whole and its SHA-256 is right
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.js';

export interface Package {
  /** `xen-utils-4.17_4.17.7-0+deb12u1_amd64.deb`. */
  readonly file: string;
  readonly uri: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A package is not where the lists say, or not as they say; with newer lists it may be. */
export class NotFetched extends Error {}

/** Comes with apt; fetches what it is told, and checks it. */
const APT_HELPER = '/usr/lib/apt/apt-helper';

export class DebianPackages {
  readonly #cache: string;

  constructor(cache: string) {
    this.#cache = cache;
  }

  /** These, and all that they depend on, each in its newest version; recommended packages are left out. */
  async resolve(names: readonly string[]): Promise<Package[]> {
    await this.#haveLists();
    const install = ['-o', 'APT::Install-Recommends=0', '--print-uris', '-y', 'install'];
    return parseUris(await this.#apt('apt-get', [...install, ...names]));
  }

  /** What a package that is nothing but a name depends on first, by itself: `linux-image-amd64` is the newest kernel. */
  async resolveBehind(name: string): Promise<Package> {
    await this.#haveLists();
    const real = /^ +Depends: (\S+)/m.exec(await this.#apt('apt-cache', ['depends', name]))?.[1];
    const [found] = real === undefined ? [] : parseUris(await this.#apt('apt-get', ['--print-uris', 'download', real]));
    if (found === undefined) throw new Error(`apt knows no package behind ${name}`);
    return found;
  }

  /** Paths of the packages' files, fetched if they are not there. @throws NotFetched */
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

  /** For when a package is not where the lists say: they are old. */
  async forgetLists(): Promise<void> {
    await rm(join(this.#cache, 'lists'), { recursive: true, force: true });
  }

  async #haveLists(): Promise<void> {
    const lists = join(this.#cache, 'lists');
    if (existsSync(lists)) return;
    const fresh = await mkdtemp(join(await this.#folder('.'), 'lists-'));
    await mkdir(join(fresh, 'partial'));
    await this.#apt('apt-get', ['update'], fresh);
    // Whoever was faster has the same ones.
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

/** Lines of `'URI' FILE BYTES SHA256:DIGEST`. */
function parseUris(printed: string): Package[] {
  return [...printed.matchAll(/^'(\S+)' (\S+) (\d+) SHA256:([0-9a-f]{64})$/gm)].map(
    ([, uri = '', file = '', bytes, sha256 = '']) => ({ uri, file, bytes: Number(bytes), sha256 }),
  );
}
