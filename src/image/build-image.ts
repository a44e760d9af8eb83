/**
 * Builds an image: the kernel and the ramdisk of a stubdom.
 *
 *     packages --programs, firmware, modules--> system folder --mksquashfs--> system.squashfs --+
 *         '--- their shared libraries -----------'   '-- agent, init, Node                      |
 *     packages --busybox, modules that mount it-------------------------------------------------+--> ramdisk (cpio)
 *     packages --bzImage--> kernel (ELF)                          manifest of all of it --------'
 *
 * The same inputs give the same bytes.
 */
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errnoOf, messageOf, StubferryError } from '../errors/index.js';
import { AGENT, agentParts, FIRST_INIT } from './agent-files.js';
import { AptTree } from './apt-tree.js';
import * as contents from './contents.js';
import { InstalledTree } from './installed-tree.js';
import { extractKernel, findKernel } from './kernel.js';
import { KernelModules, type LoadedModule } from './kernel-modules.js';
import { digestOf, digestOfFile, encodeManifest, MANIFEST_PATH, type Manifest, type ManifestFile } from './manifest.js';
import { copyTrimmed, findNode } from './node-runtime.js';
import { findPart, type Origin, type PackageTree, type Part } from './package-tree.js';
import { type RamdiskFile, writeRamdisk } from './ramdisk.js';
import { runTool } from './run-tool.js';
import { SharedLibraries } from './shared-libraries.js';
import { SystemFolder } from './system.js';

/** The names that libxl looks for in its firmware folder when a guest's configuration names no others. */
export const KERNEL_NAME = 'qemu-stubdom-linux-kernel';
export const RAMDISK_NAME = 'qemu-stubdom-linux-rootfs';

/** Where packages come from: what is installed, or what apt downloads. */
export const PACKAGE_SOURCES = ['installed', 'apt'] as const;

export interface BuildOptions {
  /** Folder for both files. */
  readonly output: string;
  readonly replace: boolean;
  readonly from: (typeof PACKAGE_SOURCES)[number];
  /** Folder that keeps packages of `apt`. */
  readonly cache: string;
  /** The newest that is there when undefined. */
  readonly kernelRelease: string | undefined;
  /** Path of Node's binary. */
  readonly node: string;
  /** This program and its version. */
  readonly writer: string;
  /** Told what is being done. */
  readonly onStep: (step: string) => void;
  readonly signal: AbortSignal;
}

export interface BuiltImage {
  readonly kernel: string;
  readonly ramdisk: string;
  readonly kernelBytes: number;
  readonly ramdiskBytes: number;
  /** Whether Node was stripped: without binutils it is not, and larger. */
  readonly nodeStripped: boolean;
  readonly manifest: Manifest;
}

/**
 * @throws StubferryError PACKAGE_MISSING, UNFIT_PARTS, TOOL_MISSING, TOOL_FAILED, DESTINATION_EXISTS, DESTINATION_UNWRITABLE;
 *   nothing is at the destination then that was not there before
 */
export async function buildImage(options: BuildOptions): Promise<BuiltImage> {
  const { output, replace } = options;
  const [kernel, ramdisk] = [join(output, KERNEL_NAME), join(output, RAMDISK_NAME)];
  const scratch = await makeScratch(output);
  try {
    if (!replace) for (const path of [kernel, ramdisk]) await mustBeAbsent(path);
    const built = await new ImageBuilder(options, scratch).build();
    await rename(built.kernel, kernel);
    await rename(built.ramdisk, ramdisk);
    return { ...built, kernel, ramdisk };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What is built is put together here, beside the destination: it is some 200 MB. */
async function makeScratch(output: string): Promise<string> {
  try {
    await mkdir(output, { recursive: true });
    return await mkdtemp(join(output, '.image-'));
  } catch (cause) {
    throw new StubferryError('DESTINATION_UNWRITABLE', 'the folder for the image cannot be written', {
      where: output,
      found: messageOf(cause),
      cause,
    });
  }
}

async function mustBeAbsent(path: string): Promise<void> {
  const there = await stat(path).catch((cause: unknown) => (errnoOf(cause) === 'ENOENT' ? undefined : cause));
  if (there === undefined) return;
  throw new StubferryError('DESTINATION_EXISTS', 'there is an image already', {
    where: path,
    hint: "replace it with '--force', or name another folder",
  });
}

/** A file of the image whose digest is taken and whose package is looked up at the end. */
interface Placed {
  readonly path: string;
  readonly in: ManifestFile['in'];
  /** The package's file. */
  readonly source: string;
  /** The file as it goes into the image. */
  readonly content: string | Buffer;
}

class ImageBuilder {
  readonly #options: BuildOptions;
  readonly #scratch: string;
  readonly #placed: Placed[] = [];
  /** Origins of what is from no package. */
  readonly #origins = new Map<string, Origin>();

  constructor(options: BuildOptions, scratch: string) {
    this.#options = options;
    this.#scratch = scratch;
  }

  async build(): Promise<BuiltImage> {
    const { onStep, signal, kernelRelease, writer } = this.#options;
    onStep('packages');
    const tree = await this.#openTree();
    const kernel = await findKernel(tree, kernelRelease);
    const modules = await KernelModules.of(tree, kernel.release, this.#scratch, signal);
    const first = await modules.load(contents.FIRST_MODULES);
    const loaded = new Set(first.map(({ name }) => name));
    const rest = await modules.load(contents.MODULES, loaded);

    onStep('kernel');
    const kernelPath = join(this.#scratch, KERNEL_NAME);
    await extractKernel(kernel, kernelPath, this.#scratch, signal);
    await chmod(kernelPath, 0o644);

    onStep('system');
    const system = await SystemFolder.create(join(this.#scratch, 'system'));
    const nodeStripped = await this.#addPrograms(tree, system);
    await this.#addModules(system, rest);
    const squashfs = join(this.#scratch, 'system.squashfs');
    await system.compress(squashfs, signal);

    onStep('ramdisk');
    const files = await this.#ramdiskFiles(tree, first);
    const systemDigest = await digestOfFile(squashfs);
    const origins = await tree.originsOf([kernel.bzImage.source, ...this.#placed.map(({ source }) => source)]);
    const manifest: Manifest = {
      format: 1,
      writer,
      kernel: {
        release: kernel.release,
        ...(await digestOfFile(kernelPath)),
        ...this.#originOf(kernel.bzImage.source, origins),
      },
      system: systemDigest,
      files: await this.#listFiles(origins),
      links: [...system.links].map(([path, target]) => ({ path, target })).sort(byPath),
    };
    const ramdisk = join(this.#scratch, RAMDISK_NAME);
    await writeRamdisk(ramdisk, [
      ...files,
      { path: MANIFEST_PATH, executable: false, content: encodeManifest(manifest) },
      { path: 'system.squashfs', executable: false, content: { source: squashfs, bytes: systemDigest.bytes } },
    ]);
    return {
      kernel: kernelPath,
      ramdisk,
      kernelBytes: manifest.kernel.bytes,
      ramdiskBytes: (await stat(ramdisk)).size,
      nodeStripped,
      manifest,
    };
  }

  #openTree(): Promise<PackageTree> | PackageTree {
    const { from, cache, signal } = this.#options;
    if (from === 'installed') return new InstalledTree(signal);
    return AptTree.open({ cache, packages: contents.APT_PACKAGES, patterns: contents.APT_PATTERNS }, signal);
  }

  /** @returns whether Node could be stripped */
  async #addPrograms(tree: PackageTree, system: SystemFolder): Promise<boolean> {
    const { node: path, signal } = this.#options;
    const wanted = [...contents.PROGRAMS, ...contents.FIRMWARE, await proxyOf(tree)];
    const parts = await Promise.all(wanted.map(({ path, package: name }) => findPart(tree, path, name)));
    const own = await agentParts();
    for (const { source } of own) this.#origins.set(source, this.#own());
    const node = await findNode(path, signal);
    this.#origins.set(node.source, node.origin);
    const nodePart: Part = { path: '/usr/bin/node', source: node.source };

    const libraries = new SharedLibraries(tree);
    for (const part of [...parts, ...own, nodePart]) await libraries.addFor(part);
    for (const part of [...parts, ...own, ...libraries.parts]) await this.#addTo(system, part);

    const place = await system.place(nodePart.path);
    const { stripped } = await copyTrimmed(node, place, signal);
    this.#placed.push({ ...nodePart, in: 'system', content: place });
    await proveAgent(place, await system.place(AGENT), signal);

    const proxy = parts.at(-1)?.path ?? '';
    await system.link('/usr/bin/vchan-socket-proxy', proxy);
    for (const [program, names] of Object.entries(contents.APPLETS))
      for (const name of names) await system.link(`/usr/bin/${name}`, basename(program));
    return stripped;
  }

  async #addModules(system: SystemFolder, modules: readonly LoadedModule[]): Promise<void> {
    for (const { name, source, bytes } of modules) {
      const path = `/usr/lib/modules/${name}.ko`;
      const unpacked = join(this.#scratch, `${name}.ko`);
      await writeFile(unpacked, bytes);
      this.#placed.push({ path, in: 'system', source, content: await system.copy(unpacked, path) });
    }
    const list = join(this.#scratch, 'load');
    await writeFile(list, loadList(modules, '/usr/lib/modules'));
    this.#origins.set(list, this.#own());
    await this.#addTo(system, { path: '/usr/lib/modules/load', source: list });
  }

  async #addTo(system: SystemFolder, { path, source }: Part): Promise<void> {
    this.#placed.push({ path, in: 'system', source, content: await system.copy(source, path) });
  }

  async #ramdiskFiles(tree: PackageTree, modules: readonly LoadedModule[]): Promise<RamdiskFile[]> {
    const busybox = await findPart(tree, '/usr/bin/busybox', 'busybox-static');
    const list = loadList(modules, '/modules.d');
    const files = [
      { path: 'init', source: FIRST_INIT, executable: true, content: await readFile(FIRST_INIT) },
      { path: 'bin/busybox', source: busybox.source, executable: true, content: await readFile(busybox.source) },
      { path: 'modules', source: 'modules', executable: false, content: list },
      ...modules.map(({ name, source, bytes }) => {
        return { path: `modules.d/${name}.ko`, source, executable: false, content: bytes };
      }),
    ];
    for (const source of [FIRST_INIT, 'modules']) this.#origins.set(source, this.#own());
    for (const { path, source, content } of files)
      this.#placed.push({ path: `/${path}`, in: 'ramdisk', source, content });
    return files.map(({ path, executable, content }) => ({ path, executable, content }));
  }

  async #listFiles(origins: ReadonlyMap<string, Origin>): Promise<ManifestFile[]> {
    const files: ManifestFile[] = [];
    for (const { path, in: place, source, content } of this.#placed) {
      const digest = typeof content === 'string' ? await digestOfFile(content) : digestOf(content);
      files.push({ path, in: place, ...digest, ...this.#originOf(source, origins) });
    }
    return files.sort((a, b) => (a.in === b.in ? byPath(a, b) : a.in === 'ramdisk' ? -1 : 1));
  }

  #own(): Origin {
    const [name = '', version = ''] = this.#options.writer.split(' ');
    return { package: name, version };
  }

  #originOf(source: string, origins: ReadonlyMap<string, Origin>): Origin {
    return this.#origins.get(source) ?? origins.get(source) ?? { package: '', version: '' };
  }
}

/** The program between libxl's monitor and the stubdom's, of the newest Xen that is there. */
async function proxyOf(tree: PackageTree): Promise<contents.Wanted> {
  const { parent, name } = contents.XEN_FOLDER;
  const releases = (await tree.list(parent)).flatMap((folder) => name.exec(folder)?.groups?.['release'] ?? []);
  const newest = releases.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  const release = newest ?? '4.17';
  return { path: `${parent}/xen-${release}/${contents.PROXY}`, package: `xen-utils-${release}` };
}

/** Runs the agent as it is in the image, with its Node: its addon must be of the same version. */
async function proveAgent(node: string, agent: string, signal: AbortSignal): Promise<void> {
  try {
    await runTool(node, [agent, '--version'], signal);
  } catch (cause) {
    if (!(cause instanceof StubferryError) || cause.code !== 'TOOL_FAILED') throw cause;
    throw new StubferryError('UNFIT_PARTS', 'the agent does not run with this Node', {
      where: node,
      expected: 'the version of Node with which stubferry was installed, for its addon fs-ext is built for that',
      found: cause.details.found,
      hint: "install stubferry with that Node, or leave '--node' away",
      cause,
    });
  }
}

function loadList(modules: readonly LoadedModule[], folder: string): Buffer {
  return Buffer.from(
    modules.map(({ name, options }) => `${folder}/${name}.ko ${options}`.trim().concat('\n')).join(''),
  );
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : 1;
}
