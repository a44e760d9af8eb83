/** Builds dom0's root disk and the initramfs that mounts it. The lab's own files are in /usr/local/lib/lab there. */
import { chmod, copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';
import { type ArchivedFile, archivedFolder, cpioArchive } from '../../support/qemu/cpio.js';
import { BOOT_MODULES, DOM0_MODULES } from './dom0-packages.js';
import { ext4Image } from './ext4-image.js';
import type { KernelModules } from './kernel-modules.js';

const SOURCES = fileURLToPath(new URL('../dom0/', import.meta.url));
const DISK_BYTES = 4 * 2 ** 30;

const EXECUTABLE = 0o755;

/** Links that the maintainer scripts of packages would create. */
const LINKS: Readonly<Record<string, string>> = {
  'bin/awk': 'mawk',
  'etc/default/xen': '/usr/share/xen-utils-common/default.xen',
  'var/run': '/run',
  'var/lock': '/run/lock',
  'sbin/init': 'lab-init',
};
const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root::0:0:root:/root:/bin/bash\nnobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  'etc/hostname': 'dom0\n',
  'etc/hosts': '127.0.0.1 localhost dom0\n',
  'etc/lab/modules': `${DOM0_MODULES.join('\n')}\n`,
  'usr/local/lib/lab/package.json': '{ "type": "module" }\n',
};
const FOLDERS = [
  'boot',
  'dev',
  'host',
  'mnt',
  'proc',
  'root',
  'run',
  'sys',
  'tmp',
  'var/lib/xen',
  'var/lib/xenstored',
  'var/log/xen',
];

/**
 * Completes the unpacked packages in `root` to a dom0, and writes its disk.
 * @param node the path of the Node binary to install
 * @param image the path of the disk to write
 */
export async function buildDom0Disk(root: string, node: string, image: string): Promise<void> {
  for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true });
  for (const [path, target] of Object.entries(LINKS)) {
    await rm(join(root, path), { recursive: true, force: true });
    await mkdir(join(root, dirname(path)), { recursive: true });
    await symlink(target, join(root, path));
  }
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await install(join(SOURCES, 'init.sh'), join(root, 'usr/sbin/lab-init'));
  await install(join(SOURCES, 'ssh.sh'), join(root, 'usr/local/bin/ssh'));
  await install(node, join(root, 'usr/local/bin/node'));
  for (const name of ['wire', 'command-server']) {
    const { code } = await transformFile(join(SOURCES, `${name}.ts`), {
      swcrc: false,
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
    });
    await writeFile(join(root, 'usr/local/lib/lab', `${name}.js`), code);
  }
  await ext4Image(root, image, DISK_BYTES);
}

async function install(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, EXECUTABLE);
}

/**
 * Makes the initramfs of dom0.
 * @param root the directory with the unpacked packages
 */
export async function dom0Initramfs(root: string, modules: KernelModules): Promise<Buffer> {
  const paths = modules.withNeeds(BOOT_MODULES);
  const files: ArchivedFile[] = [
    ...['bin', 'lib', 'proc', 'root', 'sys'].map(archivedFolder),
    { name: 'init', bytes: await readFile(join(SOURCES, 'initramfs.sh')) },
    { name: 'bin/busybox', bytes: await readFile(join(root, 'bin/busybox')) },
    { name: 'modules', bytes: Buffer.from(paths.map((path) => `${basename(path)}\n`).join('')) },
  ];
  for (const path of paths)
    files.push({ name: `lib/${basename(path)}`, bytes: await readFile(join(modules.folder, path)) });
  return cpioArchive(files);
}
