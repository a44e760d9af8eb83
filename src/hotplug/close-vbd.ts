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
import { awaitEnds, shownEnds } from './vbd-ends.js';

/** @throws StubferryError of xenstore */
export async function closeVbd(store: XenstoreClient, vbd: OwnVbd, withinMs: number): Promise<Detachment> {
  if (!(await beginClosing(store, vbd))) {
    await removeVbd(store, vbd);
    return {};
  }
  const outcome = await awaitEnds(store, vbd, { withinMs }, ({ backend }) => {
    return backend === 'Closed' || backend === 'gone' ? true : undefined;
  });
  await removeVbd(store, vbd);
  return 'came' in outcome ? {} : { forced: `${shownEnds(outcome.late)} after ${withinMs} ms of closing` };
}
