/** What dom0's agent works with: xenstore, its folders, the agent itself, and the hook of the toolstack. */
import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StubferryError } from '../../base/errors/index.js';
import { isInMemory } from '../../blockdev-utils/index.js';
import { diskSizeFor } from '../../transfer/ring/index.js';
import { XenstoreClient } from '../../xen/xenstore/index.js';
import { askService } from '../index.js';
import { advice, type HostCheck, missing, ok } from './finding.js';

export async function xenstore(path: string | undefined, signal: AbortSignal): Promise<HostCheck> {
  try {
    const client = await XenstoreClient.connect({ ...(path === undefined ? {} : { path }), signal });
    const where = client.path;
    await client.close();
    return ok('xenstore', where);
  } catch (cause) {
    const { message, details } = StubferryError.from(cause);
    return missing(
      'xenstore',
      `${message}${details.where === undefined ? '' : ` (${details.where})`}`,
      'start xenstored: systemctl start xenstored',
    );
  }
}

export async function transferFolder(path: string, ringLength: number): Promise<HostCheck> {
  const what = 'transfer folder';
  const at = (await isThere(path)) ? path : dirname(path);
  if (!(await isThere(at))) return missing(what, `no ${at}`, `mkdir -p ${at}, on tmpfs`);
  const { bavail, bsize } = await statfs(at);
  const [room, needed] = [bavail * bsize, diskSizeFor(ringLength)];
  const found = `${path}, ${Math.floor(room / 2 ** 20)} MiB free`;
  if (room < needed)
    return missing(what, found, `make room for ${Math.ceil(needed / 2 ** 20)} MiB, or give a smaller --ring`);
  if (await isInMemory(at)) return ok(what, `${found}, on tmpfs`);
  return advice(what, `${found}, not on tmpfs`, 'tmpfs is faster, and leaves nothing after a reboot: --transfer-dir');
}

export async function stateFolder(path: string): Promise<HostCheck> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory() !== true)
    return missing("toolstack's folder", `no ${path}`, 'install the toolstack: apt install xen-utils-4.17');
  const writable = await access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
  return writable
    ? ok("toolstack's folder", path)
    : missing("toolstack's folder", `${path} cannot be written`, 'run it as root');
}

export async function agent(control: string, version: string, signal: AbortSignal): Promise<HostCheck> {
  const what = "dom0's agent";
  try {
    const status = await askService(control, { command: 'status' }, signal);
    if (status.version === version) return ok(what, `running since ${status.startedAt}, process ${status.pid}`);
    return missing(
      what,
      `it is version ${status.version}, this is ${version}`,
      'restart it: systemctl restart stubferry',
    );
  } catch (cause) {
    const { details } = StubferryError.from(cause);
    return missing(
      what,
      `not reached at ${control} (${details.found ?? 'no answer'})`,
      'systemctl enable --now stubferry; it serves some seconds later',
    );
  }
}

/** Only the toolstack's own environment counts: this one is that of a shell. */
export function saveHelper(environment: NodeJS.ProcessEnv): HostCheck {
  const helper = environment['LIBXL_SAVE_HELPER'];
  if (helper !== undefined) return ok('save hook', `LIBXL_SAVE_HELPER=${helper}`);
  return advice(
    'save hook',
    'LIBXL_SAVE_HELPER is not set here',
    'set it for the toolstack to have the disk attached before the guest is paused (docs/dom0.md)',
  );
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
