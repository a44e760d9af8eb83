/** Finds kernel modules and their dependencies, and puts them into an order in which the kernel can load them. */
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { located, StubferryError } from '../base/errors/index.js';
import { moduleName, parseModuleInfo } from './elf/module-info.js';
import type { WantedModule } from './package-list.js';
import type { PackageTree } from './package-tree.js';
import { runToolInto } from './run-tool.js';

/** A kernel module of the image. */
export interface LoadedModule {
  readonly name: string;
  /** The module's options for insmod; empty when it has none. */
  readonly options: string;
  /** The package's file on this machine. Debian 13 and newer compress it. */
  readonly source: string;
  /** The content of the module, decompressed. */
  readonly bytes: Buffer;
}

const FILE = /^(?<name>.+)\.ko(?:\.(?<compression>xz|zst))?$/;

/** All modules of one kernel release. */
export class KernelModules {
  readonly #tree: PackageTree;
  readonly #release: string;
  readonly #scratch: string;
  readonly #signal: AbortSignal;
  /** The file of each module, by the module's name. */
  readonly #sources = new Map<string, string>();
  readonly #builtIn = new Set<string>();

  private constructor(tree: PackageTree, release: string, scratch: string, signal: AbortSignal) {
    this.#tree = tree;
    this.#release = release;
    this.#scratch = scratch;
    this.#signal = signal;
  }

  /** Finds all modules of a kernel. @param scratch a directory for temporary files */
  static async of(tree: PackageTree, release: string, scratch: string, signal: AbortSignal): Promise<KernelModules> {
    const modules = new KernelModules(tree, release, scratch, signal);
    const directory = `/usr/lib/modules/${release}`;
    const builtIn = await tree.find(`${directory}/modules.builtin`);
    const names = builtIn === undefined ? [] : (await readFile(builtIn, 'utf8')).split('\n');
    for (const path of names) modules.#builtIn.add(nameOf(basename(path)) ?? path);
    await modules.#index(`${directory}/kernel`);
    return modules;
  }

  async #index(directory: string): Promise<void> {
    for (const entry of await this.#tree.list(directory)) {
      const name = nameOf(entry);
      const path = `${directory}/${entry}`;
      if (name === undefined) {
        await this.#index(path);
        continue;
      }
      const source = await this.#tree.find(path);
      if (source !== undefined) this.#sources.set(name, source);
    }
  }

  /**
   * Returns the modules to load: the wanted ones and their dependencies. Each module appears once, after all modules
   * that it depends on. Modules that are built into the kernel are left out.
   *
   * @param loaded modules that are already loaded, which are left out as well
   * @throws StubferryError PACKAGE_MISSING: when the kernel has no such module
   * @throws StubferryError UNFIT_PARTS: when a module is damaged or built for another kernel
   */
  async load(wanted: readonly WantedModule[], loaded: readonly LoadedModule[] = []): Promise<LoadedModule[]> {
    const order = new Map<string, LoadedModule>();
    const seen = new Set(loaded.map(({ name }) => name));
    const add = async ({ name, options }: WantedModule): Promise<void> => {
      if (seen.has(name)) return;
      seen.add(name);
      if (this.#builtIn.has(name)) return;
      const { source, bytes } = await this.#read(name);
      const { depends, release } = located(source, 0, () => parseModuleInfo(bytes));
      if (release !== this.#release) throw this.#otherKernel(source, release);
      for (const dependency of depends) await add({ name: dependency, options: '' });
      order.set(name, { name, options, source, bytes });
    };
    for (const module of wanted) await add(module);
    return [...order.values()];
  }

  async #read(name: string): Promise<{ source: string; bytes: Buffer }> {
    const source = this.#sources.get(name);
    if (source === undefined) {
      throw new StubferryError('PACKAGE_MISSING', `the kernel ${this.#release} has no module ${name}`, {
        where: `/lib/modules/${this.#release}`,
        hint: this.#tree.advice(`linux-image-${this.#release}`),
      });
    }
    const compression = FILE.exec(basename(source))?.groups?.['compression'];
    if (compression === undefined) return { source, bytes: await readFile(source) };
    const unpacked = join(this.#scratch, `${name}.ko`);
    const tool = compression === 'xz' ? 'xz' : 'zstd';
    await runToolInto(unpacked, tool, ['--decompress', '--stdout', source], this.#signal);
    const bytes = await readFile(unpacked);
    await rm(unpacked);
    return { source, bytes };
  }

  #otherKernel(where: string, found: string): StubferryError {
    return new StubferryError('UNFIT_PARTS', 'the module is built for another kernel', {
      where,
      expected: `a module for Linux ${this.#release}`,
      found: `a module for Linux ${found}`,
    });
  }
}

/** Encodes a list of modules for the scripts in stubdom/: one module a line, with its path and its options. */
export function loadList(modules: readonly LoadedModule[], directory: string): Buffer {
  return Buffer.from(modules.map(({ name, options }) => `${`${directory}/${name}.ko ${options}`.trim()}\n`).join(''));
}

function nameOf(file: string): string | undefined {
  const name = FILE.exec(file)?.groups?.['name'];
  return name === undefined ? undefined : moduleName(name);
}
