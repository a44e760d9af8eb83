/**
 * Which vbds belong to stubferry. The directory of the backend, where only dom0 can write, contains a mark that names
 * the backing:
 *
 *     by xenstore alone    stubferry/backing  BACKING
 *     by libxl             script             .../block-stubferry
 *                          params             NODE:BACKING
 */
import type { Transaction, XenstoreClient } from '../xenstore/index.js';
import { BACKENDS, backendPath, backendsOf, type Vbd } from './vbd-paths.js';
import { VIRTUAL_DEVICES } from './virtual-device.js';

/** A vbd of stubferry. */
export interface OwnVbd extends Vbd {
  /** The file or device that the dom0 agent opens. */
  readonly backing: string;
  /** dom0's block device that the backend uses. */
  readonly node: string;
  /** The driver that created the vbd. */
  readonly by: 'xen' | 'xl';
  /** The configuration file that stubferry created for libxl, if it did. */
  readonly userdata?: string | undefined;
}

/** Node with the path of the backing, relative to the directory of the backend. */
export const MARK = 'stubferry/backing';
/** Node with the path of the file that was created for libxl, relative to the directory of the backend. */
export const USERDATA = 'stubferry/userdata';

/** The name of stubferry's hotplug script. */
export const SCRIPT_NAME = 'block-stubferry';

/**
 * Reads a vbd; returns undefined when it is not stubferry's.
 * @throws StubferryError errors of xenstore
 */
export async function readOwnVbd(store: XenstoreClient, vbd: Vbd, tx?: Transaction): Promise<OwnVbd | undefined> {
  const backend = backendPath(vbd);
  const names = [MARK, 'params', 'script', USERDATA];
  const values = await Promise.all(names.map((name) => store.read(`${backend}/${name}`, tx)));
  const [mark, params = '', script, userdata] = values;
  const { stubdom, number } = vbd;
  if (script === undefined) {
    return mark === undefined ? undefined : { stubdom, number, backing: mark, node: params, by: 'xen' };
  }
  const colon = params.indexOf(':');
  if (!script.endsWith(`/${SCRIPT_NAME}`) || colon === -1) return undefined;
  return { stubdom, number, backing: params.slice(colon + 1), node: params.slice(0, colon), by: 'xl', userdata };
}

/**
 * Returns the vbds of stubferry in all domains.
 * @throws StubferryError errors of xenstore
 */
export async function ownVbds(store: XenstoreClient, by?: OwnVbd['by']): Promise<OwnVbd[]> {
  const found: OwnVbd[] = [];
  for (const domain of (await store.directory(BACKENDS)) ?? []) {
    const stubdom = Number(domain);
    for (const name of (await store.directory(backendsOf(stubdom))) ?? []) {
      const number = VIRTUAL_DEVICES.find((one) => String(one) === name);
      const own = number === undefined ? undefined : await readOwnVbd(store, { stubdom, number });
      if (own !== undefined && (by === undefined || own.by === by)) found.push(own);
    }
  }
  return found;
}
