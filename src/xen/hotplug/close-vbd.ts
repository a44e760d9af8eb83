/**
 * Takes a vbd from a stubdom: asks first, and does not rely on the answer.
 *
 *     online 0, backend Closing --> the stubdom lets go --> backend Closed --> both folders removed
 *                                       |
 *                                       '-- not in time --> both folders removed: dom0's kernel lets go by itself
 */
import type { XenstoreClient } from '../xenstore/index.js';
import type { Detachment } from './driver.js';
import type { OwnVbd } from './own-vbd.js';
import { beginClosing, removeVbd } from './vbd.js';
import { backendPath } from './vbd-paths.js';
import { describeStates, readStates, waitForStates } from './vbd-states.js';

/** @throws StubferryError of xenstore */
export async function closeVbd(store: XenstoreClient, vbd: OwnVbd, withinMs: number): Promise<Detachment> {
  if (!(await beginClosing(store, vbd))) {
    await removeVbd(store, vbd);
    return {};
  }
  const isClosed = await waitForStates(
    store,
    backendPath(vbd),
    { withinMs },
    (state) => state === 'Closed' || state === 'gone',
  );
  const late = isClosed ? undefined : await readStates(store, vbd);
  await removeVbd(store, vbd);
  return late === undefined ? {} : { forced: `${describeStates(late)} after ${withinMs} ms of closing` };
}
