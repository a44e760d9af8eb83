/**
 * Which vbds are ours. It is written in the folder of the backend, where only dom0 can write, and names the backing:
 *
 *     by xenstore alone    stubferry/backing  BACKING
 *     by libxl             script             .../block-stubferry
 *                          params             NODE:BACKING
 */
import type { Transaction, XenstoreClient } from '../xenstore/index.js';
import { BACKENDS, backendPath, backendsOf, type Vbd } from './vbd-paths.js';
import { VIRTUAL_DEVICES } from './virtual-device.js';

export interface OwnVbd extends Vbd {
  /** The file or device that dom0's agent works on. */
  readonly backing: string;
  /** The block device of dom0. */
  readonly node: string;
  readonly by: 'xen' | 'xl';
  /** The file that was made for libxl, if one was. */
  readonly userdata?: string | undefined;
}

/** Within the folder of the backend. */
export const MARK = 'stubferry/backing';
export const USERDATA = 'stubferry/userdata';

/** The name of our hotplug script. */
export const SCRIPT_NAME = 'block-stubferry';

/** What is there; undefined when it is not ours. @throws StubferryError of xenstore */
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

/** All of ours, in all domains. @throws StubferryError of xenstore */
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
