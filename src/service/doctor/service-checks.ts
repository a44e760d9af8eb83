/**
 * Checks of the stubferry service: xenstore, its directories, the service itself, and the save hook of the toolstack.
 */
import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StubferryError } from '../../base/errors/index.js';
import { isInMemory } from '../../blockdev-utils/index.js';
import { diskSizeFor } from '../../transfer/ring/index.js';
import { XenstoreClient } from '../../xen/xenstore/index.js';
import { askService } from '../index.js';
import { advice, type HostCheck, missing, ok } from './finding.js';

/** Checks that xenstored accepts a connection. @param path its socket or device; the default when undefined */
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

/**
 * Checks that the directory for transfer disks exists, has room for one disk, and is on tmpfs.
 *
 * @param ringLength in bytes
 */
export async function transferDirectory(path: string, ringLength: number): Promise<HostCheck> {
  const what = 'transfer directory';
  const existing = (await exists(path)) ? path : dirname(path);
  if (!(await exists(existing))) return missing(what, `no ${existing}`, `mkdir -p ${existing}, on tmpfs`);
  const { bavail, bsize } = await statfs(existing);
  const [room, needed] = [bavail * bsize, diskSizeFor(ringLength)];
  const found = `${path}, ${Math.floor(room / 2 ** 20)} MiB free`;
  if (room < needed) return missing(what, found, `free ${Math.ceil(needed / 2 ** 20)} MiB, or set a smaller --ring`);
  if (await isInMemory(existing)) return ok(what, `${found}, on tmpfs`);
  return advice(
    what,
    `${found}, not on tmpfs`,
    'set --transfer-dir to a directory on tmpfs, which is faster and is empty after a reboot',
  );
}

/** Checks that the toolstack's directory for device states exists and is writable. */
export async function stateDirectory(path: string): Promise<HostCheck> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true)
    return missing("toolstack's directory", `no ${path}`, 'install the toolstack: apt install xen-utils-4.17');
  const writable = await access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
  return writable
    ? ok("toolstack's directory", path)
    : missing("toolstack's directory", `${path} cannot be written`, 'run it as root');
}

/** Checks that the service runs, and has the same version. @param control the path of its control socket */
export async function agent(control: string, version: string, signal: AbortSignal): Promise<HostCheck> {
  const what = 'stubferry service';
  try {
    const status = await askService(control, { command: 'status' }, signal);
    if (status.version === version) return ok(what, `running since ${status.startedAt}, process ${status.pid}`);
    return missing(
      what,
      `the service has version ${status.version}, this program has ${version}`,
      'restart it: systemctl restart stubferry',
    );
  } catch (cause) {
    const { details } = StubferryError.from(cause);
    return missing(
      what,
      `cannot be reached at ${control} (${details.found ?? 'no reply'})`,
      'systemctl enable --now stubferry; the service is ready some seconds later',
    );
  }
}

/**
 * Checks LIBXL_SAVE_HELPER in an environment. The toolstack may have another environment than the shell that runs this.
 */
export function saveHelper(environment: NodeJS.ProcessEnv): HostCheck {
  const helper = environment['LIBXL_SAVE_HELPER'];
  if (helper !== undefined) return ok('save hook', `LIBXL_SAVE_HELPER=${helper}`);
  return advice(
    'save hook',
    'LIBXL_SAVE_HELPER is not set here',
    'set it for the toolstack, so that the disk is attached before the guest is paused (docs/reference/service.md)',
  );
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
