/** Waits until both ends of a new vbd have come together. */
import { StubferryError } from '../errors/index.js';
import type { XenstoreClient } from '../xenstore/index.js';
import { awaitEnds, type Limits, shownEnds, type VbdEnds } from './vbd-ends.js';
import type { Vbd } from './vbd-paths.js';
import { virtualDeviceName } from './virtual-device.js';

/** @throws StubferryError ATTACH_FAILED with the states of both; of xenstore; the reason of an abort */
export async function connectVbd(store: XenstoreClient, vbd: Vbd, limits: Limits): Promise<void> {
  const outcome = await awaitEnds(store, vbd, limits, judge);
  const ends = 'came' in outcome ? outcome.came : outcome.late;
  if (isConnected(ends)) return;
  const when = 'came' in outcome ? '' : ` after ${limits.withinMs} ms`;
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

/** The ends when they are as they are to be, or will not be so any more: one that goes back does not come again. */
function judge(ends: VbdEnds): VbdEnds | undefined {
  const isOver = Object.values(ends).some((state) => state === 'Closing' || state === 'Closed' || state === 'gone');
  return isOver || isConnected(ends) ? ends : undefined;
}

function isConnected({ frontend, backend }: VbdEnds): boolean {
  return frontend === 'Connected' && backend === 'Connected';
}
