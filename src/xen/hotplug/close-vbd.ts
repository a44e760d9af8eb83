/**
 * Detaches a vbd from a stubdom: asks the stubdom first, and does not depend on its cooperation.
 *
 *     online 0, backend Closing --> the stubdom releases the disk --> backend Closed --> both directories removed
 *                                       |
 *                                       '-- not in time --> both directories removed: dom0's kernel releases the disk
 */
import type { XenstoreClient } from '../xenstore/index.js';
import type { Detachment } from './driver.js';
import type { OwnVbd } from './own-vbd.js';
import { beginClosing, removeVbd } from './vbd.js';
import { backendPath } from './vbd-paths.js';
import { describeStates, readStates, waitForStates } from './vbd-states.js';

/**
 * Closes and removes a vbd.
 * @param withinMs how long the stubdom may take to release the disk, in milliseconds
 * @throws StubferryError errors of xenstore
 */
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
  const unfinished = isClosed ? undefined : await readStates(store, vbd);
  await removeVbd(store, vbd);
  return unfinished === undefined ? {} : { forced: `${describeStates(unfinished)} after ${withinMs} ms of closing` };
}
