/** The machine under dom0's agent: Node, root, Xen, loop devices, the backend of block devices. */
import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type HostCheck, missing, ok } from './finding.js';

const NODE_MAJOR = 20;

export function nodeVersion(): HostCheck {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= NODE_MAJOR) return ok('Node', node);
  return missing('Node', node, `install Node ${NODE_MAJOR} or newer`);
}

export function root(): HostCheck {
  const uid = process.geteuid?.() ?? -1;
  return uid === 0
    ? ok('user', 'root')
    : missing('user', `uid ${uid}`, 'run it as root: loop devices and xenstore need that');
}

export async function xen(): Promise<HostCheck> {
  const type = await textOf('/sys/hypervisor/type');
  if (type === 'xen')
    return ok('Xen', `this machine runs on Xen ${(await textOf('/sys/hypervisor/version/major')) ?? ''}`.trim());
  return missing(
    'Xen',
    type === undefined ? 'no hypervisor' : type,
    'boot Xen (apt install xen-system-amd64); without it there is `stubferry save --qmp`',
  );
}

export async function dom0(): Promise<HostCheck> {
  const capabilities = await textOf('/proc/xen/capabilities');
  if (capabilities?.includes('control_d') === true) return ok('dom0', 'this is the control domain');
  const found = capabilities === undefined ? 'no /proc/xen/capabilities' : `capabilities: ${capabilities}`;
  return missing('dom0', found, 'run it in dom0, with xenfs mounted (mount -t xenfs xenfs /proc/xen)');
}

export async function loopDevices(): Promise<HostCheck> {
  // Not /dev/loop-control: the node is there without the module, too.
  const devices = await textOf('/proc/devices');
  if (devices !== undefined && /^ *\d+ loop$/m.test(devices)) return ok('loop devices', 'their driver is loaded');
  return missing(
    'loop devices',
    'no driver for them in /proc/devices',
    'modprobe loop (and name it in /etc/modules-load.d), then systemctl restart stubferry',
  );
}

export async function losetup(): Promise<HostCheck> {
  try {
    const { stdout } = await promisify(execFile)('losetup', ['--version']);
    return ok('losetup', stdout.trim());
  } catch {
    return missing('losetup', 'not to be run', 'apt install mount');
  }
}

export async function blockBackend(): Promise<HostCheck> {
  if (await isThere('/sys/module/xen_blkback')) return ok('block backend', 'xen-blkback is loaded');
  return missing('block backend', 'no xen-blkback', 'modprobe xen-blkback (and name it in /etc/modules-load.d)');
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
