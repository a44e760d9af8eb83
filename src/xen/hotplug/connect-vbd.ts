/**
 * Waits until both ends of a new vbd are connected.
 *
 *     backend   Initialising -> InitWait ----------------> Connected
 *     frontend  Initialising ------------> Initialised --------------> Connected
 *
 * The frontend connects last, so it is the end that is watched. But it belongs to the stubdom, which may write a false
 * state, or none.
 */
import { StubferryError } from '../../base/errors/index.js';
import type { XenstoreClient } from '../xenstore/index.js';
import { backendPath, frontendPath, type Vbd } from './vbd-paths.js';
import { describeStates, type Limits, readStates, type VbdStates, waitForStates } from './vbd-states.js';
import { virtualDeviceName } from './virtual-device.js';
import type { XenbusState } from './xenbus-state.js';

/**
 * Interval between two checks of both ends while the watched end does not change, in milliseconds: the other end may
 * have failed.
 */
const RECHECK_MS = 1_000;

/**
 * Resolves when both ends are connected.
 * @throws StubferryError ATTACH_FAILED: with the states of both ends; errors of xenstore; the reason of an abort
 */
export async function connectVbd(store: XenstoreClient, vbd: Vbd, { withinMs, signal }: Limits): Promise<void> {
  const until = performance.now() + withinMs;
  let watched = frontendPath(vbd);
  let ends: VbdStates;
  do {
    const limits = { withinMs: Math.max(0, Math.min(RECHECK_MS, until - performance.now())), signal };
    await waitForStates(store, watched, limits, isSettled);
    ends = await readStates(store, vbd);
    watched = ends.frontend === 'Connected' ? backendPath(vbd) : frontendPath(vbd);
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
  if (backend === 'Initialising') return 'dom0 has no vbd backend: modprobe xen-blkback';
  if (isClosing(backend) && !isClosing(frontend))
    return 'the backend in dom0 has failed: see the kernel log of dom0 (dmesg)';
  return 'the stubdom does not connect: is its kernel running, and does it have xen-blkfront?';
}

/** Whether an end is connected, or cannot connect: an end that closes does not connect again. */
function isSettled(state: XenbusState): boolean {
  return state === 'Connected' || isClosing(state);
}

function isClosing(state: XenbusState): boolean {
  return state === 'Closing' || state === 'Closed' || state === 'gone';
}

function isOver(ends: VbdStates): boolean {
  return isConnected(ends) || isClosing(ends.frontend) || isClosing(ends.backend);
}

function isConnected({ frontend, backend }: VbdStates): boolean {
  return frontend === 'Connected' && backend === 'Connected';
}
