/**
 * Simulates the kernels at the two ends of a vbd as far as xenstore shows them: xen-blkback in dom0, and xen-blkfront
 * in a domain. They connect and close like those of Linux (drivers/block/xen-blkback/xenbus.c, xen-blkfront.c), without
 * a disk.
 *
 * The frontend has the permissions of its domain, so that a missing node or permission makes the test fail.
 */
import type { Watch, XenstoreClient } from '../../../src/xen/xenstore/index.js';

const STATES = {
  initialising: '1',
  initWait: '2',
  initialised: '3',
  connected: '4',
  closing: '5',
  closed: '6',
} as const;

export interface Kernel {
  stop(): Promise<void>;
}

/** Starts xen-blkback for the vbds of that domain. */
export async function startBackend(dom0: XenstoreClient, domid: number): Promise<Kernel> {
  const directory = `/local/domain/0/backend/vbd/${domid}`;
  const watches: Watch[] = [];
  const serve = async (vbd: string): Promise<void> => {
    const backend = `${directory}/${vbd}`;
    const state = await dom0.read(`${backend}/state`);
    if (state === undefined) return;
    const frontend = await dom0.read(`${backend}/frontend`);
    const other = await dom0.read(`${frontend}/state`).catch(() => 'not text');
    const setState = (next: string): Promise<void> => changeState(dom0, backend, state, next);
    const hasDisk = /^[0-9a-f]+:[0-9a-f]+$/.test((await dom0.read(`${backend}/physical-device`)) ?? '');
    if (state === STATES.initialising) await setState(STATES.initWait);
    else if (state === STATES.initWait && other === STATES.initialised && hasDisk) await setState(STATES.connected);
    else if (state !== STATES.closed && (other === STATES.closed || other === undefined)) await setState(STATES.closed);
  };
  const all = async (): Promise<void> => {
    for (const vbd of (await dom0.directory(directory)) ?? []) await serve(vbd);
  };
  watches.push(await dom0.watch(directory, all), await dom0.watch(`/local/domain/${domid}`, all));
  return { stop: () => stopAll(watches) };
}

export interface FrontendBehaviour {
  /** The last state that the frontend reaches while it connects. */
  readonly stopsAt?: keyof typeof STATES;
  /** Simulates an open disk: the frontend never closes. */
  readonly neverCloses?: boolean;
}

/** Starts xen-blkfront for the vbds of its domain. */
export async function startFrontend(domain: XenstoreClient, behaviour: FrontendBehaviour = {}): Promise<Kernel> {
  const watches = new Map<string, Watch>();
  const limit = STATES[behaviour.stopsAt ?? 'closed'];
  const take = async (vbd: string): Promise<void> => {
    const frontend = `device/vbd/${vbd}`;
    const backend = await domain.read(`${frontend}/backend`);
    const state = await domain.read(`${frontend}/state`);
    if (backend === undefined || state === undefined) return;
    if (!watches.has(backend)) watches.set(backend, await domain.watch(`${backend}/state`, all));
    const other = await domain.read(`${backend}/state`);
    const setState = async (next: string): Promise<void> => {
      if (next <= limit) await changeState(domain, frontend, state, next);
    };
    if (other === STATES.closing) {
      if (behaviour.neverCloses !== true && state !== STATES.closed)
        await changeState(domain, frontend, state, STATES.closed);
    } else if (state === STATES.initialising && other === STATES.initWait) {
      await domain.write(`${frontend}/ring-ref`, '8');
      await setState(STATES.initialised);
    } else if (state === STATES.initialised && other === STATES.connected) {
      await setState(STATES.connected);
    }
  };
  const all = async (): Promise<void> => {
    for (const vbd of (await domain.directory('device/vbd').catch(() => [])) ?? []) await take(vbd);
  };
  watches.set('', await domain.watch('device/vbd', all));
  return { stop: () => stopAll([...watches.values()]) };
}

/** Changes a state like xenbus_switch_state: not if another client has changed or removed it meanwhile. */
async function changeState(store: XenstoreClient, end: string, from: string, to: string): Promise<void> {
  await store.transaction(async (tx) => {
    if ((await store.read(`${end}/state`, tx)) === from) await store.write(`${end}/state`, to, tx);
  });
}

async function stopAll(watches: Iterable<Watch>): Promise<void> {
  for (const watch of watches) await watch.close();
}
