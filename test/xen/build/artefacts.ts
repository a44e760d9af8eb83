/** Builds everything that the lab boots from, and caches it under a digest of all inputs. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { consoleRamdisk } from '../console-path/ramdisk.js';
import { builtOnce } from './built-once.js';
import { vmlinuxOf } from './bz-image.js';
import { DebianPackages, NotFetched, type Package } from './debian-packages.js';
import { buildDom0Disk, dom0Initramfs } from './dom0-disk.js';
import { DOM0_MODULES, DOM0_PACKAGES, KERNEL_PACKAGE, LEFT_OUT, MORE_MODULES } from './dom0-packages.js';
import { KernelModules } from './kernel-modules.js';
import { bash, run } from './run.js';
import { unpack, unpackRoot } from './unpack.js';

/** Paths of the built files, which are never modified. */
export interface Artefacts {
  readonly xen: string;
  /** The kernel of dom0, as an ELF file. */
  readonly kernel: string;
  readonly initramfs: string;
  readonly disk: string;
}

/** The directories with the sources that determine the result. The other directories of the lab do not affect it. */
const SOURCES = ['build', 'dom0', 'console-path'].map((name) => fileURLToPath(new URL(`../${name}/`, import.meta.url)));

export function cacheFolder(): string {
  const caches = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(caches, 'stubferry', 'xen-lab');
}

/** Returns the files, and builds them first if they are not in the cache. */
export async function artefacts(cache = cacheFolder()): Promise<Artefacts> {
  const debian = new DebianPackages(cache);
  return attempt(debian, cache).catch(async (error: unknown) => {
    if (!(error instanceof NotFetched)) throw error;
    await debian.forgetLists();
    return attempt(debian, cache);
  });
}

async function attempt(debian: DebianPackages, cache: string): Promise<Artefacts> {
  const packages = await debian.resolve(DOM0_PACKAGES);
  const kernel = await debian.resolveBehind(KERNEL_PACKAGE);
  const node = await readFile(process.execPath);
  const key = await digestOf([...packages, kernel], node);
  const folder = await builtOnce(join(cache, 'built'), key, async (building) => {
    const [kernelDeb = '', ...debs] = await debian.fetch([kernel, ...packages]);
    await build(building, debs, kernelDeb);
  });
  return {
    xen: join(folder, 'xen'),
    kernel: join(folder, 'vmlinux'),
    initramfs: join(folder, 'initramfs'),
    disk: join(folder, 'dom0.img'),
  };
}

async function digestOf(packages: readonly Package[], node: Buffer): Promise<string> {
  const digest = createHash('sha256').update(node);
  for (const line of packages.map(({ file, sha256 }) => `${file} ${sha256}\n`).sort()) digest.update(line);
  for (const folder of SOURCES) {
    for (const name of (await readdir(folder)).sort()) digest.update(name).update(await readFile(join(folder, name)));
  }
  return digest.digest('hex').slice(0, 32);
}

async function build(folder: string, debs: readonly string[], kernelDeb: string): Promise<void> {
  const [root, kernel] = [join(folder, 'root'), join(folder, 'kernel')];
  const wanted = debs.filter((path) => !LEFT_OUT.test(path.replace(/^.*\//, '')));
  await Promise.all([unpackRoot(wanted, root), unpack([kernelDeb], kernel, ['--exclude=./usr/share'])]);

  const [release = ''] = await readdir(join(kernel, 'lib/modules'));
  await run('depmod', ['-b', kernel, release]);
  const modules = await KernelModules.in(join(kernel, 'lib/modules', release));
  await copyModules(modules, join(root, 'lib/modules', release));
  await run('depmod', ['-b', root, release]);

  const [xen = ''] = (await readdir(join(root, 'boot'))).filter((name) => /^xen-.*\.gz$/.test(name));
  await bash('gzip -dc "$1" > "$2"', { args: [join(root, 'boot', xen), join(folder, 'xen')] });
  const vmlinux = await vmlinuxOf(await readFile(join(kernel, 'boot', `vmlinuz-${release}`)));
  await writeFile(join(folder, 'vmlinux'), vmlinux);
  await writeFile(join(folder, 'initramfs'), await dom0Initramfs(root, modules));
  await mkdir(join(root, 'usr/local/lib/lab'), { recursive: true });
  await writeFile(join(root, 'usr/local/lib/lab/vmlinux'), vmlinux);
  await writeFile(join(root, 'usr/local/lib/lab/console-ramdisk'), await consoleRamdisk(root, modules, kernel));
  await buildDom0Disk(root, process.execPath, join(folder, 'dom0.img'));
  await rm(root, { recursive: true });
  await rm(kernel, { recursive: true });
}

async function copyModules(modules: KernelModules, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const paths = modules.withNeeds([...DOM0_MODULES, ...MORE_MODULES]);
  const files = ['modules.order', 'modules.builtin', 'modules.builtin.modinfo', ...paths];
  await run('cp', ['--parents', '-t', to, ...files], { cwd: modules.folder });
}
