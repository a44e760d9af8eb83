/** Fills the system: programs with their libraries, firmware, Node, the agent, the scripts that start them, kernel modules. */
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AGENT_CACHE, AGENT_SCRIPT, AGENT_START, agentParts } from './agent-files.js';
import { makeCodeCache } from './code-cache.js';
import { type LoadedModule, loadList } from './kernel-modules.js';
import type { ManifestBuilder } from './manifest-builder.js';
import { copyTrimmed, findNode } from './node-runtime.js';
import { APPLETS, FIRMWARE, PROGRAMS, PROXY, XEN_FOLDER } from './package-list.js';
import { findPart, newest, type Origin, type PackageTree, type Part } from './package-tree.js';
import type { RootFileSystem } from './root-file-system.js';
import { SharedLibraries } from './shared-libraries.js';

const MODULES = '/usr/lib/modules';

export class RootFileSystemBuilder {
  readonly #system: RootFileSystem;
  readonly #builder: ManifestBuilder;
  /** stubferry itself. */
  readonly #own: Origin;

  constructor(system: RootFileSystem, builder: ManifestBuilder, own: Origin) {
    this.#system = system;
    this.#builder = builder;
    this.#own = own;
  }

  /**
   * @param nodePath of Node's binary
   * @returns whether Node could be stripped
   * @throws StubferryError PACKAGE_MISSING, UNFIT_PARTS, TOOL_FAILED
   */
  async addPrograms(tree: PackageTree, nodePath: string, signal: AbortSignal): Promise<boolean> {
    const proxy = await findProxy(tree);
    const wanted = [...PROGRAMS, ...FIRMWARE].map(({ path, package: name }) => findPart(tree, path, name));
    const packaged = [...(await Promise.all(wanted)), proxy];
    const own = await agentParts();
    const node = await findNode(nodePath, signal);
    const nodePart: Part = { path: '/usr/bin/node', source: node.source };
    const libraries = new SharedLibraries(tree);
    for (const part of [...packaged, ...own, nodePart]) await libraries.addFor(part);

    for (const part of [...packaged, ...libraries.parts]) await this.#add(part);
    for (const part of own) await this.#add(part, this.#own);
    const place = await this.#system.place(nodePart.path);
    const { stripped } = await copyTrimmed(node, place, signal);
    this.#builder.add({ ...nodePart, in: 'system', content: place }, node.origin);
    const [start, script] = [await this.#system.place(AGENT_START), await this.#system.place(AGENT_SCRIPT)];
    const cache = await this.#system.place(AGENT_CACHE);
    await makeCodeCache({ node: place, start, script, cache }, signal);
    this.#builder.add({ path: AGENT_CACHE, in: 'system', source: script, content: cache }, this.#own);

    await this.#system.link(`/usr/bin/${basename(PROXY)}`, proxy.path);
    for (const [program, names] of Object.entries(APPLETS))
      for (const name of names) await this.#system.link(`/usr/bin/${name}`, basename(program));
    return stripped;
  }

  /** @param list name of the file that says in which order they are loaded. @param scratch folder for what is copied from */
  async addModules(modules: readonly LoadedModule[], list: string, scratch: string): Promise<void> {
    for (const { name, source, bytes } of modules) {
      const unpacked = join(scratch, `${name}.ko`);
      await writeFile(unpacked, bytes);
      const path = `${MODULES}/${name}.ko`;
      this.#builder.add({ path, in: 'system', source, content: await this.#system.copy(unpacked, path) });
    }
    const source = join(scratch, list);
    await writeFile(source, loadList(modules, MODULES));
    await this.#add({ path: `${MODULES}/${list}`, source }, this.#own);
  }

  async #add({ path, source }: Part, origin?: Origin): Promise<void> {
    this.#builder.add({ path, in: 'system', source, content: await this.#system.copy(source, path) }, origin);
  }
}

/** The program that carries QMP over vchan, of the newest Xen that is there. */
async function findProxy(tree: PackageTree): Promise<Part> {
  const { parent, name, usual } = XEN_FOLDER;
  const folder = newest((await tree.list(parent)).filter((entry) => name.test(entry))) ?? usual;
  return findPart(tree, `${parent}/${folder}/${PROXY}`, folder.replace('xen-', 'xen-utils-'));
}
