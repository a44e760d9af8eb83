/** Checks of the machine: Node, root, Xen, dom0, loop devices, losetup and the block backend. */
import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type HostCheck, missing, ok } from './finding.js';

const NODE_MAJOR = 20;

/** Checks that this Node is new enough. */
export function nodeVersion(): HostCheck {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= NODE_MAJOR) return ok('Node', node);
  return missing('Node', node, `install Node ${NODE_MAJOR} or newer`);
}

/** Checks that this process runs as root. */
export function root(): HostCheck {
  const uid = process.geteuid?.() ?? -1;
  return uid === 0
    ? ok('user', 'root')
    : missing('user', `uid ${uid}`, 'run it as root: loop devices and xenstore require it');
}

/** Checks that this machine runs on Xen. */
export async function xen(): Promise<HostCheck> {
  const type = await textOf('/sys/hypervisor/type');
  if (type === 'xen')
    return ok('Xen', `this machine runs on Xen ${(await textOf('/sys/hypervisor/version/major')) ?? ''}`.trim());
  return missing(
    'Xen',
    type === undefined ? 'no hypervisor' : type,
    'boot Xen (apt install xen-system-amd64); without Xen, use `stubferry save --qmp`',
  );
}

/** Checks that this is the control domain, and that xenfs is mounted. */
export async function dom0(): Promise<HostCheck> {
  const capabilities = await textOf('/proc/xen/capabilities');
  if (capabilities?.includes('control_d') === true) return ok('dom0', 'this is the control domain');
  const found = capabilities === undefined ? 'no /proc/xen/capabilities' : `capabilities: ${capabilities}`;
  return missing('dom0', found, 'run it in dom0, with xenfs mounted (mount -t xenfs xenfs /proc/xen)');
}

/** Checks that the loop driver is loaded. */
export async function loopDevices(): Promise<HostCheck> {
  // /dev/loop-control does not show it: the node exists without the module as well.
  const devices = await textOf('/proc/devices');
  if (devices !== undefined && /^ *\d+ loop$/m.test(devices)) return ok('loop devices', 'the loop driver is loaded');
  return missing(
    'loop devices',
    'no loop driver in /proc/devices',
    'modprobe loop (and add it to /etc/modules-load.d), then systemctl restart stubferry',
  );
}

/** Checks that losetup can be run. */
export async function losetup(): Promise<HostCheck> {
  try {
    const { stdout } = await promisify(execFile)('losetup', ['--version']);
    return ok('losetup', stdout.trim());
  } catch {
    return missing('losetup', 'cannot be run', 'apt install mount');
  }
}

/** Checks that xen-blkback is loaded. */
export async function blockBackend(): Promise<HostCheck> {
  if (await exists('/sys/module/xen_blkback')) return ok('block backend', 'xen-blkback is loaded');
  return missing('block backend', 'no xen-blkback', 'modprobe xen-blkback (and add it to /etc/modules-load.d)');
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
