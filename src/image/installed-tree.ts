/** The packages that are installed on this machine, from the database of dpkg. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { StubferryError } from '../base/errors/index.js';
import { merged, type Origin, type PackageTree, unmerged } from './package-tree.js';
import { runTool } from './run-tool.js';

/** How many files one command line contains at most. */
const FILES_PER_QUERY = 500;

/** A {@link PackageTree} over the files of this machine. */
export class InstalledTree implements PackageTree {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async find(path: string): Promise<string | undefined> {
    try {
      const source = await realpath(path);
      return (await stat(source)).isFile() ? source : undefined;
    } catch {
      return undefined;
    }
  }

  async list(directory: string): Promise<readonly string[]> {
    return (await readdir(directory).catch(() => [])).sort();
  }

  async originsOf(files: readonly string[]): Promise<ReadonlyMap<string, Origin>> {
    const owners = new Map<string, string>();
    for (let start = 0; start < files.length; start += FILES_PER_QUERY) {
      for (const [path, owner] of await this.#search(files.slice(start, start + FILES_PER_QUERY)))
        owners.set(path, owner);
    }
    const versions = await this.#versions([...new Set(owners.values())]);
    return new Map(
      files.flatMap((file): [string, Origin][] => {
        const owner = owners.get(merged(file)) ?? owners.get(file);
        return owner === undefined ? [] : [[file, { package: owner, version: versions.get(owner) ?? '' }]];
      }),
    );
  }

  /**
   * Finds the packages of files. dpkg knows a file by its path in the package, which can be the path before the merge
   * of /usr. It exits with status 1 when one of the paths is unknown.
   */
  async #search(files: readonly string[]): Promise<[string, string][]> {
    const candidates = files.flatMap((file) => [file, unmerged(file) ?? [], merged(file)].flat());
    const listing = await runTool('dpkg-query', ['--search', ...new Set(candidates)], this.#signal).catch(
      (error: unknown) => {
        const stdout = error instanceof StubferryError ? outputOf(error.details.cause) : undefined;
        if (stdout === undefined) throw error;
        return stdout;
      },
    );
    return listing.split('\n').flatMap((line): [string, string][] => {
      const groups = /^(?<owner>[^\s:,]+)(?::[^\s,]+)?: (?<path>\/.*)$/.exec(line)?.groups;
      const [owner, path] = [groups?.['owner'], groups?.['path']];
      return owner === undefined || path === undefined ? [] : [[merged(path), owner]];
    });
  }

  async #versions(packages: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (packages.length === 0) return new Map();
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders
    const format = '--showformat=${Package}\\t${Version}\\n';
    const listing = await runTool('dpkg-query', ['--show', format, ...packages], this.#signal);
    return new Map(
      listing.split('\n').flatMap((line): [string, string][] => {
        const [name, version] = line.split('\t');
        return name === undefined || version === undefined ? [] : [[name, version]];
      }),
    );
  }

  advice(packageName: string): string {
    return `apt-get install ${packageName}, or build with '--from apt'`;
  }
}

function outputOf(cause: unknown): string | undefined {
  const hasExitStatus1 = typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 1;
  return hasExitStatus1 && 'stdout' in cause && typeof cause.stdout === 'string' ? cause.stdout : undefined;
}
