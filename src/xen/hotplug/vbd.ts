/**
 * A vbd in xenstore: two folders that name each other, in which the kernels of dom0 and of the stubdom find it.
 *
 *     /local/domain/<stubdom>/device/vbd/<number>     the frontend: the stubdom's, dom0 may read it
 *         backend, backend-id, virtual-device, device-type, state
 *     /local/domain/0/backend/vbd/<stubdom>/<number>  the backend: dom0's, the stubdom may read it
 *         frontend, frontend-id, physical-device, mode, params, ..., online, state
 *         stubferry/backing                           that it is ours, and of which file or device
 *
 * libxl writes these and some for itself, and a hotplug script finds out `physical-device`. Here none is run, for libxl does not hear of it.
 * (libxl_disk.c, libxl_device.c; xen-blkback.) All is written in one transaction, in which the number is chosen too: no number is taken twice.
 */
import { StubferryError } from '../../base/errors/index.js';
import type { Transaction, XenstoreClient } from '../xenstore/index.js';
import type { Dom0Node } from './dom0-node.js';
import { MARK, type OwnVbd, readOwnVbd } from './own-vbd.js';
import { backendPath, backendsOf, frontendPath, frontendsOf, libxlPath, libxlVbdsOf, type Vbd } from './vbd-paths.js';
import { VIRTUAL_DEVICES, virtualDeviceName } from './virtual-device.js';
import { stateValue } from './xenbus-state.js';

/** A free number of that domain. @throws StubferryError ATTACH_FAILED when there is no such domain, or none is free */
export async function freeVbd(store: XenstoreClient, stubdom: number, tx?: Transaction): Promise<Vbd> {
  const folders = [`/local/domain/${stubdom}`, frontendsOf(stubdom), backendsOf(stubdom), libxlVbdsOf(stubdom)];
  const [home, ...children] = await Promise.all(folders.map((folder) => store.directory(folder, tx)));
  if (home === undefined) {
    throw new StubferryError('ATTACH_FAILED', 'there is no such domain', {
      where: `domain ${stubdom}`,
      expected: 'a domain that is known to xenstore',
      found: `no /local/domain/${stubdom}`,
      hint: 'it may have ended meanwhile: see xl list',
    });
  }
  const taken = children.flat();
  const number = VIRTUAL_DEVICES.find((one) => !taken.includes(String(one)));
  if (number !== undefined) return { stubdom, number };
  const names = VIRTUAL_DEVICES.map(virtualDeviceName);
  throw new StubferryError('ATTACH_FAILED', 'no virtual device is free', {
    where: `domain ${stubdom}`,
    expected: `one of ${names.at(-1)} to ${names[0]}`,
    found: 'each of them taken',
    hint: 'what killed agents have left is removed by: stubferry gc',
  });
}

/**
 * Writes a new vbd, of that block device of dom0.
 * @throws StubferryError ATTACH_FAILED, XENSTORE_CONFLICT, ...; then nothing of it is there. Of XENSTORE_GONE and XENSTORE_TIMEOUT that is not known
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
    // xenstored does one after the other: the folders with their owners first, as what is made in them belongs to whom they belong to.
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

/** Asks the stubdom to let go of it. @returns false when it is not there any more */
export function beginClosing(store: XenstoreClient, vbd: Vbd & Pick<OwnVbd, 'backing'>): Promise<boolean> {
  const backend = backendPath(vbd);
  return store.transaction(async (tx) => {
    const own = await readOwnVbd(store, vbd, tx);
    const state = await store.read(`${backend}/state`, tx);
    // Writing would make it anew.
    if (own?.backing !== vbd.backing || state === undefined) return false;
    await store.write(`${backend}/online`, '0', tx);
    if (state !== stateValue('Closed')) await store.write(`${backend}/state`, stateValue('Closing'), tx);
    return true;
  });
}

/**
 * Removes both ends, whatever they are doing: dom0's kernel gives up the block device then. What is not there is fine, what is not ours
 * stays. libxl's own note of it goes, too, where libxl has made it.
 */
export function removeVbd(store: XenstoreClient, vbd: Vbd & Pick<OwnVbd, 'backing'>): Promise<void> {
  return store.transaction(async (tx) => {
    if (!(await isOurs(store, vbd, tx))) return;
    await store.remove(frontendPath(vbd), tx);
    await store.remove(backendPath(vbd), tx);
    await store.remove(libxlPath(vbd), tx);
    const backends = backendsOf(vbd.stubdom);
    if ((await store.directory(backends, tx))?.length === 0) await store.remove(backends, tx);
  });
}

/** As it is written there; or, where somebody has removed the backend, by a frontend that goes nowhere now. */
async function isOurs(store: XenstoreClient, vbd: Vbd & Pick<OwnVbd, 'backing'>, tx: Transaction): Promise<boolean> {
  const backend = backendPath(vbd);
  if ((await readOwnVbd(store, vbd, tx))?.backing === vbd.backing) return true;
  if ((await store.directory(backend, tx)) !== undefined) return false;
  // The stubdom may have written anything there, which harms nobody but itself.
  const goesTo = await store.readBytes(`${frontendPath(vbd)}/backend`, tx);
  return goesTo !== undefined && Buffer.from(goesTo).toString('latin1') === backend;
}
