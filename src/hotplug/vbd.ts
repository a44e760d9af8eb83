/**
 * A vbd in xenstore: two folders that name each other, in which the kernels of dom0 and of the stubdom find it.
 *
 *     /local/domain/<stubdom>/device/vbd/<number>     the frontend: the stubdom's, dom0 may read it
 *         backend, backend-id, virtual-device, device-type, state
 *     /local/domain/0/backend/vbd/<stubdom>/<number>  the backend: dom0's, the stubdom may read it
 *         frontend, frontend-id, physical-device, mode, type, params, ..., online, state
 *         stubferry/backing                           that it is ours, and of which file or device
 *
 * libxl writes the same, and a hotplug script finds out `physical-device`, which is known here. With that there from the beginning
 * the backend connects at once, and no script is run, for libxl does not hear of it. (libxl_disk.c, libxl_device.c; xen-blkback.)
 *
 * All of it comes in one transaction, in which the number is chosen too: nobody ever sees half of a vbd, and no number is taken twice.
 */
import { StubferryError } from '../errors/index.js';
import type { Transaction, XenstoreClient } from '../xenstore/index.js';
import { MARK, type OwnVbd, readOwnVbd } from './own-vbd.js';
import { backendPath, backendsOf, frontendPath, frontendsOf, libxlPath, libxlVbdsOf, type Vbd } from './vbd-paths.js';
import { VIRTUAL_DEVICES, virtualDeviceName } from './virtual-device.js';
import { stateValue } from './xenbus-state.js';

/** What a new vbd is made of. */
export interface VbdSource {
  readonly stubdom: number;
  /** The block device of dom0. */
  readonly node: string;
  /** Its number, as blkback takes it: major and minor in hexadecimal. */
  readonly physicalDevice: string;
  readonly backing: string;
}

/** A free number of that domain. @throws StubferryError ATTACH_FAILED when there is no such domain, or none is free */
export async function freeVbd(store: XenstoreClient, stubdom: number, tx?: Transaction): Promise<Vbd> {
  const home = await store.directory(`/local/domain/${stubdom}`, tx);
  if (home === undefined) {
    throw new StubferryError('ATTACH_FAILED', 'there is no such domain', {
      where: `domain ${stubdom}`,
      expected: 'a domain that is known to xenstore',
      found: `no /local/domain/${stubdom}`,
      hint: 'it may have ended meanwhile: see xl list',
    });
  }
  const folders = [frontendsOf(stubdom), backendsOf(stubdom), libxlVbdsOf(stubdom)];
  const taken = (await Promise.all(folders.map((folder) => store.directory(folder, tx)))).flat();
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

/** Writes a new vbd. @throws StubferryError ATTACH_FAILED, XENSTORE_CONFLICT, ...; then nothing of it is there */
export function createVbd(store: XenstoreClient, source: VbdSource): Promise<Vbd> {
  return store.transaction(async (tx) => {
    const { stubdom, node, physicalDevice, backing } = source;
    const vbd = await freeVbd(store, stubdom, tx);
    const [frontend, backend] = [frontendPath(vbd), backendPath(vbd)];
    // The folders with their owners first: what is made in them belongs to whom they belong to.
    await store.mkdir(frontend, tx);
    await store.setPermissions(frontend, { owner: stubdom, domains: [{ domid: 0, read: true, write: false }] }, tx);
    await store.mkdir(backend, tx);
    await store.setPermissions(backend, { owner: 0, domains: [{ domid: stubdom, read: true, write: false }] }, tx);
    const values = {
      [`${frontend}/backend`]: backend,
      [`${frontend}/backend-id`]: '0',
      [`${frontend}/virtual-device`]: `${vbd.number}`,
      [`${frontend}/device-type`]: 'disk',
      [`${frontend}/state`]: stateValue('Initialising'),
      [`${backend}/frontend`]: frontend,
      [`${backend}/frontend-id`]: `${stubdom}`,
      [`${backend}/dev`]: virtualDeviceName(vbd.number),
      [`${backend}/device-type`]: 'disk',
      [`${backend}/type`]: 'phy',
      [`${backend}/mode`]: 'w',
      [`${backend}/params`]: node,
      [`${backend}/physical-device`]: physicalDevice,
      [`${backend}/removable`]: '0',
      [`${backend}/bootable`]: '0',
      [`${backend}/discard-enable`]: '0',
      [`${backend}/online`]: '1',
      [`${backend}/state`]: stateValue('Initialising'),
      [`${backend}/${MARK}`]: backing,
    };
    await Promise.all(Object.entries(values).map(([path, value]) => store.write(path, value, tx)));
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
