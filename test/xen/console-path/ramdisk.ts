/**
 * Builds the ramdisk of a stubdom that moves the device state over the consoles. The lab compares stubferry with it.
 */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ArchivedFile, archivedFolder, cpioArchive } from '../../support/qemu/cpio.js';
import { STUBDOM_MODULES } from '../build/dom0-packages.js';
import type { KernelModules } from '../build/kernel-modules.js';
import { run } from '../build/run.js';
import { sharedLibraries } from '../build/shared-libraries.js';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));

const PROGRAMS: readonly string[] = [
  'usr/libexec/xen-qemu-system-i386',
  'usr/lib/xen-4.17/bin/vchan-socket-proxy',
  ...['list', 'read', 'write'].map((verb) => `usr/bin/xenstore-${verb}`),
];

const FIRMWARE = ['kvmvapic', 'linuxboot', 'linuxboot_dma', 'multiboot'].map((name) => `usr/share/qemu/${name}.bin`);

const LINK = 0o120777;

/** Options of kernel modules. The default of Debian's kernel forbids operations that a stubdom needs. */
const MODULE_OPTIONS: Readonly<Record<string, string>> = { 'xen-privcmd.ko': 'unrestricted=1' };

/**
 * Returns the ramdisk.
 * @param root the directory with the unpacked packages
 * @param folder the directory for the programs that are compiled
 */
export async function consoleRamdisk(root: string, modules: KernelModules, folder: string): Promise<Buffer> {
  const [hvcraw, notrunc] = [join(folder, 'hvcraw'), join(folder, 'notrunc.so')];
  await run('gcc', ['-O2', '-static', '-o', hvcraw, join(SOURCES, 'hvcraw.c')]);
  await run('gcc', ['-O2', '-shared', '-fPIC', '-o', notrunc, join(SOURCES, 'notrunc.c')]);

  const paths = modules.withNeeds(STUBDOM_MODULES);
  const listed = paths.map((path) => `${basename(path)} ${MODULE_OPTIONS[basename(path)] ?? ''}\n`).join('');
  const files = new Map<string, ArchivedFile>();
  const add = async (name: string, from: string): Promise<void> => {
    files.set(name, { name, bytes: await readFile(from) });
  };
  await add('init', join(SOURCES, 'init.sh'));
  await add('usr/bin/busybox', join(root, 'bin/busybox'));
  await add('usr/bin/hvcraw', hvcraw);
  await add('usr/lib/notrunc.so', notrunc);
  for (const path of paths) await add(`usr/lib/modules/${basename(path)}`, join(modules.folder, path));
  for (const path of [...PROGRAMS, ...(await sharedLibraries(root, PROGRAMS)), ...FIRMWARE]) {
    const at = path.startsWith('usr/lib/xen-4.17/bin/') ? `usr/bin/${basename(path)}` : path;
    await add(at, join(root, path));
  }
  return cpioArchive([
    ...foldersOf([...files.keys(), 'dev/x', 'proc/x', 'sys/x', 'tmp/x', 'run/x', 'var/x']).map(archivedFolder),
    ...['bin', 'sbin', 'lib', 'lib64'].map((name) => ({ name, bytes: Buffer.from(`usr/${name}`), mode: LINK })),
    { name: 'usr/bin/sh', bytes: Buffer.from('busybox'), mode: LINK },
    { name: 'modules', bytes: Buffer.from(listed) },
    ...files.values(),
  ]);
}

/** Returns every directory that contains one of these paths, each after its parent. */
function foldersOf(paths: readonly string[]): string[] {
  const folders = paths.flatMap((path) => {
    const parts = path.split('/').slice(0, -1);
    return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  });
  return [...new Set(['usr/sbin', ...folders])].sort();
}
