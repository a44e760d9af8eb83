/** Modules of an unpacked kernel package, in the order in which they can be loaded. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export class KernelModules {
  /** `/lib/modules/RELEASE`, wherever that is unpacked. */
  readonly folder: string;
  readonly #needs: ReadonlyMap<string, readonly string[]>;

  private constructor(folder: string, needs: ReadonlyMap<string, readonly string[]>) {
    this.folder = folder;
    this.#needs = needs;
  }

  /** Reads what depmod has written. */
  static async in(folder: string): Promise<KernelModules> {
    const needs = new Map<string, readonly string[]>();
    for (const line of (await readFile(join(folder, 'modules.dep'), 'utf8')).split('\n')) {
      const [path, others] = line.split(':');
      if (path === undefined || others === undefined) continue;
      // modprobe loads the last of the list first.
      needs.set(nameOf(path), [...others.trim().split(' ').filter(Boolean).reverse(), path]);
    }
    return new KernelModules(folder, needs);
  }

  /** Paths in the folder of these modules and of those that they need, each once, each after those that it needs. */
  withNeeds(names: readonly string[]): string[] {
    const found = names.flatMap((name) => {
      const paths = this.#needs.get(nameOf(name));
      if (paths === undefined) throw new Error(`${this.folder} has no module ${name}`);
      return paths;
    });
    return [...new Set(found)];
  }
}

/** `kernel/drivers/block/xen-blkback/xen-blkback.ko` is `xen_blkback`. */
function nameOf(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.ko$/, '').replaceAll('-', '_');
}
