/**
 * Fills the root file system: programs with their libraries, firmware, Node, the agent, the scripts and the kernel
 * modules.
 */
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AGENT_CACHE, AGENT_SCRIPT, AGENT_START, agentParts } from './agent-files.js';
import { makeCodeCache } from './code-cache.js';
import { type LoadedModule, loadList } from './kernel-modules.js';
import type { ManifestBuilder } from './manifest-builder.js';
import { copyTrimmed, findNode } from './node-runtime.js';
import { APPLETS, FIRMWARE, PROGRAMS, PROXY, XEN_DIRECTORY } from './package-list.js';
import { findPart, newest, type Origin, type PackageTree, type Part } from './package-tree.js';
import type { RootFileSystem } from './root-file-system.js';
import { SharedLibraries } from './shared-libraries.js';

const MODULES = '/usr/lib/modules';

/** Copies files into a root file system, and records them in the manifest. */
export class RootFileSystemBuilder {
  readonly #rootFileSystem: RootFileSystem;
  readonly #builder: ManifestBuilder;
  /** The origin of stubferry's own files. */
  readonly #own: Origin;

  constructor(rootFileSystem: RootFileSystem, builder: ManifestBuilder, own: Origin) {
    this.#rootFileSystem = rootFileSystem;
    this.#builder = builder;
    this.#own = own;
  }

  /**
   * Adds programs, shared libraries, firmware, Node, and the agent with its code cache.
   *
   * @param nodePath the path of Node's binary
   * @returns whether Node was stripped
   * @throws StubferryError PACKAGE_MISSING: when a file is missing
   * @throws StubferryError UNFIT_PARTS: when the files do not fit each other
   * @throws StubferryError TOOL_MISSING, TOOL_FAILED: when Node or strip fails
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
    const nodeCopy = await this.#rootFileSystem.hostPath(nodePart.path);
    const { stripped } = await copyTrimmed(node, nodeCopy, signal);
    this.#builder.add({ ...nodePart, in: 'system', content: nodeCopy }, node.origin);
    const [start, script] = [
      await this.#rootFileSystem.hostPath(AGENT_START),
      await this.#rootFileSystem.hostPath(AGENT_SCRIPT),
    ];
    const cache = await this.#rootFileSystem.hostPath(AGENT_CACHE);
    await makeCodeCache({ node: nodeCopy, start, script, cache }, signal);
    this.#builder.add({ path: AGENT_CACHE, in: 'system', source: script, content: cache }, this.#own);

    await this.#rootFileSystem.link(`/usr/bin/${basename(PROXY)}`, proxy.path);
    for (const [program, names] of Object.entries(APPLETS))
      for (const name of names) await this.#rootFileSystem.link(`/usr/bin/${name}`, basename(program));
    return stripped;
  }

  /**
   * Adds kernel modules, and a file that lists them in load order.
   *
   * @param list the name of that file
   * @param scratch a directory for temporary files
   */
  async addModules(modules: readonly LoadedModule[], list: string, scratch: string): Promise<void> {
    for (const { name, source, bytes } of modules) {
      const unpacked = join(scratch, `${name}.ko`);
      await writeFile(unpacked, bytes);
      const path = `${MODULES}/${name}.ko`;
      this.#builder.add({ path, in: 'system', source, content: await this.#rootFileSystem.copy(unpacked, path) });
    }
    const source = join(scratch, list);
    await writeFile(source, loadList(modules, MODULES));
    await this.#add({ path: `${MODULES}/${list}`, source }, this.#own);
  }

  async #add({ path, source }: Part, origin?: Origin): Promise<void> {
    this.#builder.add({ path, in: 'system', source, content: await this.#rootFileSystem.copy(source, path) }, origin);
  }
}

/** Finds vchan-socket-proxy of the newest Xen in the tree. */
async function findProxy(tree: PackageTree): Promise<Part> {
  const { parent, name, usual } = XEN_DIRECTORY;
  const directory = newest((await tree.list(parent)).filter((entry) => name.test(entry))) ?? usual;
  return findPart(tree, `${parent}/${directory}/${PROXY}`, directory.replace('xen-', 'xen-utils-'));
}
