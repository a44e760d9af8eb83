/** Lists modules of an unpacked kernel package in the order in which they can be loaded. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export class KernelModules {
  /** The path of `/lib/modules/RELEASE` in the unpacked package. */
  readonly folder: string;
  readonly #needs: ReadonlyMap<string, readonly string[]>;

  private constructor(folder: string, needs: ReadonlyMap<string, readonly string[]>) {
    this.folder = folder;
    this.#needs = needs;
  }

  /** Reads depmod's `modules.dep` in `folder`. */
  static async in(folder: string): Promise<KernelModules> {
    const needs = new Map<string, readonly string[]>();
    for (const line of (await readFile(join(folder, 'modules.dep'), 'utf8')).split('\n')) {
      const [path, others] = line.split(':');
      if (path === undefined || others === undefined) continue;
      // modprobe loads the last module of a line first.
      needs.set(nameOf(path), [...others.trim().split(' ').filter(Boolean).reverse(), path]);
    }
    return new KernelModules(folder, needs);
  }

  /**
   * Returns the paths of these modules and their dependencies, relative to the directory. Each path occurs once, after
   * its dependencies.
   * @throws Error when a module does not exist
   */
  withNeeds(names: readonly string[]): string[] {
    const found = names.flatMap((name) => {
      const paths = this.#needs.get(nameOf(name));
      if (paths === undefined) throw new Error(`${this.folder} has no module ${name}`);
      return paths;
    });
    return [...new Set(found)];
  }
}

/** Returns the name of a module: `xen_blkback` for `kernel/drivers/block/xen-blkback/xen-blkback.ko`. */
function nameOf(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.ko$/, '').replaceAll('-', '_');
}
