/** Kernel modules, with those that they depend on, in an order in which they can be loaded. */
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { located, StubferryError } from '../base/errors/index.js';
import { moduleName, parseModuleInfo } from './elf/module-info.js';
import type { WantedModule } from './package-list.js';
import type { PackageTree } from './package-tree.js';
import { runToolInto } from './run-tool.js';

export interface LoadedModule {
  readonly name: string;
  readonly options: string;
  /** The package's file; Debian compresses them since 13. */
  readonly source: string;
  /** Not compressed. */
  readonly bytes: Buffer;
}

const FILE = /^(?<name>.+)\.ko(?:\.(?<compression>xz|zst))?$/;

export class KernelModules {
  readonly #tree: PackageTree;
  readonly #release: string;
  readonly #scratch: string;
  readonly #signal: AbortSignal;
  /** Files by the names of their modules. */
  readonly #sources = new Map<string, string>();
  readonly #builtIn = new Set<string>();

  private constructor(tree: PackageTree, release: string, scratch: string, signal: AbortSignal) {
    this.#tree = tree;
    this.#release = release;
    this.#scratch = scratch;
    this.#signal = signal;
  }

  /** Finds all modules of a kernel. @param scratch a folder for what is unpacked in between */
  static async of(tree: PackageTree, release: string, scratch: string, signal: AbortSignal): Promise<KernelModules> {
    const modules = new KernelModules(tree, release, scratch, signal);
    const folder = `/usr/lib/modules/${release}`;
    const builtIn = await tree.find(`${folder}/modules.builtin`);
    const names = builtIn === undefined ? [] : (await readFile(builtIn, 'utf8')).split('\n');
    for (const path of names) modules.#builtIn.add(nameOf(basename(path)) ?? path);
    await modules.#index(`${folder}/kernel`);
    return modules;
  }

  async #index(folder: string): Promise<void> {
    for (const entry of await this.#tree.list(folder)) {
      const name = nameOf(entry);
      const path = `${folder}/${entry}`;
      if (name === undefined) {
        await this.#index(path);
        continue;
      }
      const source = await this.#tree.find(path);
      if (source !== undefined) this.#sources.set(name, source);
    }
  }

  /**
   * What is to be loaded for these modules: each after those that it depends on, none twice. A module that is built into the
   * kernel is left out.
   *
   * @param loaded modules that are there already
   * @throws StubferryError PACKAGE_MISSING, UNFIT_PARTS
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
    return new StubferryError('UNFIT_PARTS', 'this module is for another kernel', {
      where,
      expected: `a module for Linux ${this.#release}`,
      found: `one for Linux ${found}`,
    });
  }
}

/** One module a line, as the scripts in stubdom/ read it: a path and options. */
export function loadList(modules: readonly LoadedModule[], folder: string): Buffer {
  return Buffer.from(modules.map(({ name, options }) => `${`${folder}/${name}.ko ${options}`.trim()}\n`).join(''));
}

function nameOf(file: string): string | undefined {
  const name = FILE.exec(file)?.groups?.['name'];
  return name === undefined ? undefined : moduleName(name);
}
