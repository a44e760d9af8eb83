/**
 * Waits until both ends of a new vbd have come together.
 *
 *     backend   Initialising -> InitWait ----------------> Connected
 *     frontend  Initialising ------------> Initialised --------------> Connected
 *
 * The frontend comes last: it is what is watched. But it is the stubdom's, which may say what is not so, or nothing more.
 */
import { StubferryError } from '../../base/errors/index.js';
import type { XenstoreClient } from '../xenstore/index.js';
import { backendPath, frontendPath, type Vbd } from './vbd-paths.js';
import { describeStates, type Limits, readStates, type VbdStates, waitForStates } from './vbd-states.js';
import { virtualDeviceName } from './virtual-device.js';
import type { XenbusState } from './xenbus-state.js';

/** Between two looks at both ends, where the one that is watched does nothing, milliseconds: the other one may have failed. */
const LOOK_MS = 1_000;

/** @throws StubferryError ATTACH_FAILED with the states of both; of xenstore; the reason of an abort */
export async function connectVbd(store: XenstoreClient, vbd: Vbd, { withinMs, signal }: Limits): Promise<void> {
  const until = performance.now() + withinMs;
  let last = frontendPath(vbd);
  let ends: VbdStates;
  do {
    const limits = { withinMs: Math.max(0, Math.min(LOOK_MS, until - performance.now())), signal };
    await waitForStates(store, last, limits, isSettled);
    ends = await readStates(store, vbd);
    last = ends.frontend === 'Connected' ? backendPath(vbd) : frontendPath(vbd);
  } while (!isOver(ends) && performance.now() < until);
  if (isConnected(ends)) return;
  const when = isOver(ends) ? '' : ` after ${withinMs} ms`;
  throw new StubferryError('ATTACH_FAILED', 'the transfer disk did not connect', {
    where: `${virtualDeviceName(vbd.number)} of domain ${vbd.stubdom}`,
    expected: 'both ends Connected (4)',
    found: `${describeStates(ends)}${when}`,
    hint: hintFor(ends),
  });
}

function hintFor({ frontend, backend }: VbdStates): string {
  if (backend === 'Initialising') return 'dom0 serves no vbds: modprobe xen-blkback';
  if (isGoing(backend) && !isGoing(frontend)) return "dom0's end has given up: see dom0's kernel log (dmesg)";
  return 'the stubdom does not take the disk: does its kernel run, and has it xen-blkfront?';
}

/** It is as it is to be, or will not be so any more: an end that goes back does not come again. */
function isSettled(state: XenbusState): boolean {
  return state === 'Connected' || isGoing(state);
}

function isGoing(state: XenbusState): boolean {
  return state === 'Closing' || state === 'Closed' || state === 'gone';
}

function isOver(ends: VbdStates): boolean {
  return isConnected(ends) || isGoing(ends.frontend) || isGoing(ends.backend);
}

function isConnected({ frontend, backend }: VbdStates): boolean {
  return frontend === 'Connected' && backend === 'Connected';
}
