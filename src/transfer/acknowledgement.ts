/**
 * Waits for the acknowledgement that decides about the transfer: COMMITTED (save) or LOADED (restore) in the receiver's
 * control block.
 *
 *     receiving --> verified --> committed | loaded
 *     progressMs    commitMs + discard + progressMs
 *
 * Each phase has its own deadline without progress, and a heartbeat alone does not extend it. The receiver decides
 * whether a verified state becomes durable in time (commitMs) and whether it can discard the state afterwards
 * (`TIMEOUTS.discard`). The sender waits for that decision, because only the receiver knows the result. The sender
 * gives up on a receiver that is alive and does not decide.
 */

import { StubferryError } from '../base/errors/index.js';
import { StallTimer } from '../base/time/index.js';
import { TIMEOUTS } from '../base/time/timeouts.js';
import { ACKNOWLEDGEMENT, ACKNOWLEDGEMENTS, type ControlBlock, type Phase } from '../formats/protocol/control-block.js';
import { type Link, matchEpoch, PollBackoff } from './ring/index.js';

/**
 * Resolves when the receiver has acknowledged the state.
 * @throws StubferryError NO_PROGRESS, PROTOCOL_VIOLATION, and what {@link matchEpoch} and {@link PeerMonitor.poll}
 *   throw
 */
export async function untilAcknowledged(link: Link): Promise<void> {
  const backoff = new PollBackoff(link.clock, link.writes);
  const stall = new StallTimer(link.clock);
  let before = '';
  for (; ; await backoff.wait()) {
    const receiver = await link.peer.poll();
    // The peer monitor limits how long the first control block of the receiver may take.
    if (receiver === undefined) continue;
    if (matchEpoch(link, receiver) && isAcknowledged(link, receiver.phase)) return;
    const now = `${receiver.epoch} ${receiver.cursor} ${receiver.phase}`;
    if (now !== before) stall.renew();
    before = now;
    checkWait(link, receiver, stall.look());
  }
}

function isAcknowledged({ superblock, device }: Link, phase: Phase): boolean {
  const wanted = ACKNOWLEDGEMENT[superblock.direction];
  if (phase === wanted) return true;
  if (!ACKNOWLEDGEMENTS.includes(phase)) return false;
  throw new StubferryError('PROTOCOL_VIOLATION', 'the receiver acknowledges another direction', {
    where: device.path,
    expected: wanted,
    found: phase,
  });
}

function checkWait({ timeouts, device }: Link, receiver: ControlBlock, waited: number): void {
  const verdict = receiver.phase === 'verified' ? timeouts.commitMs + TIMEOUTS.discard : 0;
  const limit = verdict + timeouts.progressMs;
  if (waited <= limit) return;
  throw new StubferryError('NO_PROGRESS', 'the receiver does not acknowledge the state', {
    where: device.path,
    expected: `an acknowledgement within ${limit} ms`,
    found: `${receiver.phase} at ${receiver.streamed} bytes`,
    hint: 'the destination may be slow or stuck: see in the log of the receiver whether the state became durable',
  });
}
