/**
 * Waits until both ends of a new vbd have come together.
 *
 *     backend   Initialising -> InitWait ----------------> Connected
 *     frontend  Initialising ------------> Initialised --------------> Connected
 *
 * The frontend comes last, and goes when the backend goes: it is what is watched. But it is the stubdom's, which may say what is not so.
 */
import { StubferryError } from '../errors/index.js';
import type { XenstoreClient } from '../xenstore/index.js';
import { awaitEnd, type Limits, readEnds, shownEnds } from './vbd-ends.js';
import { backendPath, frontendPath, type Vbd } from './vbd-paths.js';
import { virtualDeviceName } from './virtual-device.js';
import type { XenbusState } from './xenbus-state.js';

/** @throws StubferryError ATTACH_FAILED with the states of both; of xenstore; the reason of an abort */
export async function connectVbd(store: XenstoreClient, vbd: Vbd, { withinMs, signal }: Limits): Promise<void> {
  const until = performance.now() + withinMs;
  let inTime = await awaitEnd(store, frontendPath(vbd), { withinMs, signal }, isSettled);
  let ends = await readEnds(store, vbd);
  if (ends.frontend === 'Connected' && !isSettled(ends.backend)) {
    const left = { withinMs: Math.max(0, until - performance.now()), signal };
    inTime = await awaitEnd(store, backendPath(vbd), left, isSettled);
    ends = await readEnds(store, vbd);
  }
  if (ends.frontend === 'Connected' && ends.backend === 'Connected') return;
  const when = inTime ? '' : ` after ${withinMs} ms`;
  throw new StubferryError('ATTACH_FAILED', 'the transfer disk did not connect', {
    where: `${virtualDeviceName(vbd.number)} of domain ${vbd.stubdom}`,
    expected: 'both ends Connected (4)',
    found: `${shownEnds(ends)}${when}`,
    hint:
      ends.backend === 'Initialising'
        ? 'dom0 serves no vbds: modprobe xen-blkback'
        : 'the stubdom does not take the disk: does its kernel run, and has it xen-blkfront?',
  });
}

/** It is as it is to be, or will not be so any more: an end that goes back does not come again. */
function isSettled(state: XenbusState): boolean {
  return state === 'Connected' || state === 'Closing' || state === 'Closed' || state === 'gone';
}
