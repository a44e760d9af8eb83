/**
 * A vbd in xenstore: two directories that name each other, in which the kernels of dom0 and of the stubdom find it.
 *
 *     /local/domain/<stubdom>/device/vbd/<number>     the frontend: owned by the stubdom, dom0 may read it
 *         backend, backend-id, virtual-device, device-type, state
 *     /local/domain/0/backend/vbd/<stubdom>/<number>  the backend: owned by dom0, the stubdom may read it
 *         frontend, frontend-id, physical-device, mode, params, ..., online, state
 *         stubferry/backing                           the mark of stubferry, with the path of the file or device
 *
 * libxl writes these nodes and some for its own use, and its hotplug script finds out `physical-device`. Here no script
 * runs, because libxl does not know of the vbd (libxl_disk.c, libxl_device.c; xen-blkback). One transaction writes all
 * nodes and also chooses the number, so no number is used twice.
 */
import { StubferryError } from '../../base/errors/index.js';
import type { Transaction, XenstoreClient } from '../xenstore/index.js';
import type { Dom0Node } from './dom0-node.js';
import { MARK, type OwnVbd, readOwnVbd } from './own-vbd.js';
import { backendPath, backendsOf, frontendPath, frontendsOf, libxlPath, libxlVbdsOf, type Vbd } from './vbd-paths.js';
import { VIRTUAL_DEVICES, virtualDeviceName } from './virtual-device.js';
import { stateValue } from './xenbus-state.js';

/**
 * Returns a free number in that domain.
 * @throws StubferryError ATTACH_FAILED: when the domain does not exist, or no number is free; errors of xenstore
 */
export async function freeVbd(store: XenstoreClient, stubdom: number, tx?: Transaction): Promise<Vbd> {
  const directories = [`/local/domain/${stubdom}`, frontendsOf(stubdom), backendsOf(stubdom), libxlVbdsOf(stubdom)];
  const [home, ...children] = await Promise.all(directories.map((directory) => store.directory(directory, tx)));
  if (home === undefined) {
    throw new StubferryError('ATTACH_FAILED', 'no such domain', {
      where: `domain ${stubdom}`,
      expected: 'a domain that is known to xenstore',
      found: `no /local/domain/${stubdom}`,
      hint: 'the domain may have ended meanwhile: see xl list',
    });
  }
  const taken = children.flat();
  const number = VIRTUAL_DEVICES.find((one) => !taken.includes(String(one)));
  if (number !== undefined) return { stubdom, number };
  const names = VIRTUAL_DEVICES.map(virtualDeviceName);
  throw new StubferryError('ATTACH_FAILED', 'no virtual device is free', {
    where: `domain ${stubdom}`,
    expected: `one of ${names.at(-1)} to ${names[0]}`,
    found: 'all of them in use',
    hint: 'stubferry gc removes what killed agents have left behind',
  });
}

/**
 * Creates a vbd for dom0's block device `path`.
 * @throws StubferryError ATTACH_FAILED, XENSTORE_CONFLICT, ...: then the vbd does not exist. After XENSTORE_GONE and
 *   XENSTORE_TIMEOUT it may exist.
 */
export function createVbd(
  store: XenstoreClient,
  stubdom: number,
  backing: string,
  { path, physicalDevice }: Dom0Node,
): Promise<Vbd> {
  return store.transaction(async (tx) => {
    const vbd = await freeVbd(store, stubdom, tx);
    const [frontend, backend] = [frontendPath(vbd), backendPath(vbd)];
    const values = {
      [`${frontend}/backend`]: backend,
      [`${frontend}/backend-id`]: '0',
      [`${frontend}/virtual-device`]: `${vbd.number}`,
      [`${frontend}/device-type`]: 'disk',
      [`${frontend}/state`]: stateValue('Initialising'),
      [`${backend}/frontend`]: frontend,
      [`${backend}/frontend-id`]: `${stubdom}`,
      [`${backend}/dev`]: virtualDeviceName(vbd.number),
      [`${backend}/mode`]: 'w',
      [`${backend}/params`]: path,
      [`${backend}/physical-device`]: physicalDevice,
      [`${backend}/discard-enable`]: '0',
      [`${backend}/online`]: '1',
      [`${backend}/state`]: stateValue('Initialising'),
      [`${backend}/${MARK}`]: backing,
    };
    // xenstored executes the requests in order. The directories and their owners come first, because new nodes belong
    // to the owner of their directory.
    await Promise.all([
      store.mkdir(frontend, tx),
      store.setPermissions(frontend, { owner: stubdom, domains: [{ domid: 0, read: true, write: false }] }, tx),
      store.mkdir(backend, tx),
      store.setPermissions(backend, { owner: 0, domains: [{ domid: stubdom, read: true, write: false }] }, tx),
      ...Object.entries(values).map(([node, value]) => store.write(node, value, tx)),
    ]);
    return vbd;
  });
}

/**
 * Asks the stubdom to release the disk.
 * @returns false when the vbd does not exist
 */
export function beginClosing(store: XenstoreClient, vbd: Vbd & Pick<OwnVbd, 'backing'>): Promise<boolean> {
  const backend = backendPath(vbd);
  return store.transaction(async (tx) => {
    const own = await readOwnVbd(store, vbd, tx);
    const state = await store.read(`${backend}/state`, tx);
    // A write would create it again.
    if (own?.backing !== vbd.backing || state === undefined) return false;
    await store.write(`${backend}/online`, '0', tx);
    if (state !== stateValue('Closed')) await store.write(`${backend}/state`, stateValue('Closing'), tx);
    return true;
  });
}

/**
 * Removes both ends in any state; dom0's kernel then releases the block device. It is not an error when they do not
 * exist, and a vbd that is not stubferry's is not changed. Also removes libxl's record of the vbd, if libxl created it.
 */
export function removeVbd(store: XenstoreClient, vbd: Vbd & Pick<OwnVbd, 'backing'>): Promise<void> {
  return store.transaction(async (tx) => {
    if (!(await isOwn(store, vbd, tx))) return;
    await store.remove(frontendPath(vbd), tx);
    await store.remove(backendPath(vbd), tx);
    await store.remove(libxlPath(vbd), tx);
    const backends = backendsOf(vbd.stubdom);
    if ((await store.directory(backends, tx))?.length === 0) await store.remove(backends, tx);
  });
}

/**
 * Whether the vbd is stubferry's: by its mark or, when the backend was removed, by a frontend that names the missing
 * backend.
 */
async function isOwn(store: XenstoreClient, vbd: Vbd & Pick<OwnVbd, 'backing'>, tx: Transaction): Promise<boolean> {
  const backend = backendPath(vbd);
  if ((await readOwnVbd(store, vbd, tx))?.backing === vbd.backing) return true;
  if ((await store.directory(backend, tx)) !== undefined) return false;
  // The stubdom may have written anything there, which affects only the stubdom itself.
  const namedBackend = await store.readBytes(`${frontendPath(vbd)}/backend`, tx);
  return namedBackend !== undefined && Buffer.from(namedBackend).toString('latin1') === backend;
}
