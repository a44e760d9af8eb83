/**
 * Builds an image: the kernel and the ramdisk of a stubdom.
 *
 *     packages --programs, firmware, modules--> root file system --mksquashfs--> system.squashfs --+
 *         '--- their shared libraries -----------'   '-- agent, init, Node                         |
 *     packages --busybox, first modules------------------------------------------------------------+--> ramdisk (cpio)
 *     packages --bzImage--> kernel (ELF)                          manifest of all files -----------'
 *
 * The same inputs give the same bytes, except for the agent's code cache: V8 does not promise the same bytes.
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
import { digestOfFile, encodeManifest, MANIFEST_PATH, type Manifest, ROOT_FILE_SYSTEM_PATH } from './manifest.js';
import { ManifestBuilder } from './manifest-builder.js';
import { APT_PACKAGES, APT_PATTERNS, FIRST_MODULES, MODULES, NETWORK_MODULES } from './package-list.js';
import type { Origin, PackageTree } from './package-tree.js';
import { writeRamdisk } from './ramdisk.js';
import { RootFileSystem } from './root-file-system.js';

/** The file name of the kernel: the default that libxl looks for in its firmware directory. */
const KERNEL_NAME = 'qemu-stubdom-linux-kernel';
/** The file name of the ramdisk: the default that libxl looks for in its firmware directory. */
const RAMDISK_NAME = 'qemu-stubdom-linux-rootfs';

/** The sources of packages: `apt` downloads them, `installed` takes those of this machine. */
export const PACKAGE_SOURCES = ['apt', 'installed'] as const;

/** What to build, from what, and where. */
export interface BuildOptions {
  /** The directory for the kernel and the ramdisk. */
  readonly output: string;
  /** Whether to replace an existing image. */
  readonly replace: boolean;
  readonly from: (typeof PACKAGE_SOURCES)[number];
  /** The directory in which packages from `apt` are kept. */
  readonly cache: string;
  /** The kernel's release, as `uname -r` prints it; the newest one when undefined. */
  readonly kernelRelease: string | undefined;
  /** The path of Node's binary. */
  readonly node: string;
  /** The name of this program and its version, separated by a space. */
  readonly writer: string;
  /** Called at the start of each step. */
  readonly onStep: (step: string) => void;
  readonly signal: AbortSignal;
}

/** An image that was built. */
export interface BuiltImage {
  /** The path of the kernel. */
  readonly kernel: string;
  /** The path of the ramdisk. */
  readonly ramdisk: string;
  readonly kernelBytes: number;
  readonly ramdiskBytes: number;
  /** Whether Node was stripped. Without binutils it is not, and the image is larger. */
  readonly nodeStripped: boolean;
  readonly manifest: Manifest;
}

/**
 * Builds the kernel and the ramdisk. When the build fails, the destination is unchanged.
 *
 * @throws StubferryError PACKAGE_MISSING: when a package, a file of a package, a kernel or a module is missing
 * @throws StubferryError UNFIT_PARTS: when the parts do not fit each other, or are damaged
 * @throws StubferryError TOOL_MISSING, TOOL_FAILED: when a program that the build needs is missing or fails
 * @throws StubferryError DESTINATION_EXISTS: when the image exists already and `replace` is false
 * @throws StubferryError DESTINATION_UNWRITABLE: when the directory cannot be written
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

/** Creates a temporary directory for about 200 MB of files, on the file system of the destination. */
async function makeScratch(output: string): Promise<string> {
  try {
    await mkdir(output, { recursive: true });
    return await mkdtemp(join(output, '.image-'));
  } catch (cause) {
    throw new StubferryError('DESTINATION_UNWRITABLE', 'the directory for the image cannot be written', {
      where: output,
      found: messageOf(cause),
      cause,
    });
  }
}

async function mustBeAbsent(path: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => (errnoOf(cause) === 'ENOENT' ? undefined : cause));
  if (found === undefined) return;
  throw new StubferryError('DESTINATION_EXISTS', 'the image already exists', {
    where: path,
    hint: "replace it with '--force', or choose another directory",
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
  const rootFileSystem = await RootFileSystem.create(join(scratch, 'system'));
  const filler = new RootFileSystemBuilder(rootFileSystem, builder, own);
  const nodeStripped = await filler.addPrograms(tree, node, signal);
  await filler.addModules(always, 'load', scratch);
  await filler.addModules(network, 'load-network', scratch);
  const squashfs = join(scratch, ROOT_FILE_SYSTEM_PATH);
  await rootFileSystem.compress(squashfs, signal);

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
    links: rootFileSystem.links,
  };
  const ramdisk = join(scratch, RAMDISK_NAME);
  const { bytes } = manifest.system;
  await writeRamdisk(ramdisk, [
    ...files,
    { path: MANIFEST_PATH, executable: false, content: encodeManifest(manifest) },
    { path: ROOT_FILE_SYSTEM_PATH, executable: false, content: { source: squashfs, bytes } },
  ]);
  const [kernelBytes, ramdiskBytes] = [manifest.kernel.bytes, (await stat(ramdisk)).size];
  return { kernel: kernelPath, ramdisk, kernelBytes, ramdiskBytes, nodeStripped, manifest };
}

function openTree({ from, cache, signal }: BuildOptions): Promise<PackageTree> | PackageTree {
  if (from === 'installed') return new InstalledTree(signal);
  return AptTree.open({ cache, packages: APT_PACKAGES, patterns: APT_PATTERNS }, signal);
}
