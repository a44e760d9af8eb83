/**
 * Builds an image: the kernel and the ramdisk of a stubdom.
 *
 *     packages --programs, firmware, modules--> system folder --mksquashfs--> system.squashfs --+
 *         '--- their shared libraries -----------'   '-- agent, init, Node                      |
 *     packages --busybox, modules that mount it-------------------------------------------------+--> ramdisk (cpio)
 *     packages --bzImage--> kernel (ELF)                          manifest of all of it --------'
 *
 * The same inputs give the same bytes, but for the agent's code cache, of which V8 promises nothing.
 */
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, messageOf, StubferryError } from '../base/errors/index.js';
import { AptTree } from './apt-tree.js';
import { RootFileSystemBuilder } from './fill-root-file-system.js';
import { initramfsFiles } from './initramfs.js';
import { InstalledTree } from './installed-tree.js';
import { extractKernel, findKernel } from './kernel.js';
import { KernelModules } from './kernel-modules.js';
import { digestOfFile, encodeManifest, MANIFEST_PATH, type Manifest, SYSTEM_PATH } from './manifest.js';
import { ManifestBuilder } from './manifest-builder.js';
import { APT_PACKAGES, APT_PATTERNS, FIRST_MODULES, MODULES, NETWORK_MODULES } from './package-list.js';
import type { Origin, PackageTree } from './package-tree.js';
import { writeRamdisk } from './ramdisk.js';
import { RootFileSystem } from './root-file-system.js';

/** The names that libxl looks for in its firmware folder when a guest's configuration names no others. */
export const KERNEL_NAME = 'qemu-stubdom-linux-kernel';
export const RAMDISK_NAME = 'qemu-stubdom-linux-rootfs';

/** Where packages come from: what apt downloads, or what is installed. */
export const PACKAGE_SOURCES = ['apt', 'installed'] as const;

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
    const built = await build(options, scratch);
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

async function build(options: BuildOptions, scratch: string): Promise<BuiltImage> {
  const { onStep, signal, kernelRelease, writer, node } = options;
  const [name = '', version = ''] = writer.split(' ');
  const own: Origin = { package: name, version };
  const builder = new ManifestBuilder();
  onStep('packages');
  const tree = await openTree(options);
  const kernel = await findKernel(tree, kernelRelease);
  const modules = await KernelModules.of(tree, kernel.release, scratch, signal);
  const first = await modules.load(FIRST_MODULES);
  const always = await modules.load(MODULES, first);
  const network = await modules.load(NETWORK_MODULES, [...first, ...always]);

  onStep('kernel');
  const kernelPath = join(scratch, KERNEL_NAME);
  await extractKernel(kernel, kernelPath, scratch, signal);

  onStep('system');
  const system = await RootFileSystem.create(join(scratch, 'system'));
  const filler = new RootFileSystemBuilder(system, builder, own);
  const nodeStripped = await filler.addPrograms(tree, node, signal);
  await filler.addModules(always, 'load', scratch);
  await filler.addModules(network, 'load-network', scratch);
  const squashfs = join(scratch, SYSTEM_PATH);
  await system.compress(squashfs, signal);

  onStep('ramdisk');
  const files = await initramfsFiles(tree, first, builder, own);
  const { source } = kernel.bzImage;
  const origin = (await tree.originsOf([source])).get(source) ?? { package: '', version: '' };
  const manifest: Manifest = {
    format: 1,
    writer,
    kernel: { release: kernel.release, ...(await digestOfFile(kernelPath)), ...origin },
    system: await digestOfFile(squashfs),
    files: await builder.list(tree),
    links: system.links,
  };
  const ramdisk = join(scratch, RAMDISK_NAME);
  const { bytes } = manifest.system;
  await writeRamdisk(ramdisk, [
    ...files,
    { path: MANIFEST_PATH, executable: false, content: encodeManifest(manifest) },
    { path: SYSTEM_PATH, executable: false, content: { source: squashfs, bytes } },
  ]);
  const [kernelBytes, ramdiskBytes] = [manifest.kernel.bytes, (await stat(ramdisk)).size];
  return { kernel: kernelPath, ramdisk, kernelBytes, ramdiskBytes, nodeStripped, manifest };
}

function openTree({ from, cache, signal }: BuildOptions): Promise<PackageTree> | PackageTree {
  if (from === 'installed') return new InstalledTree(signal);
  return AptTree.open({ cache, packages: APT_PACKAGES, patterns: APT_PATTERNS }, signal);
}
