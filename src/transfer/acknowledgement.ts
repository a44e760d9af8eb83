/**
 * The word on which everything hangs: COMMITTED (save) or LOADED (restore), as the receiver's control block says it.
 *
 *     receiving --> verified --> committed | loaded
 *     progressMs    commitMs + DISCARD_MS + progressMs
 *
 * Each phase has a deadline without progress of its own; a heartbeat alone renews neither. Whether a verified state becomes durable
 * in time (commitMs) is the receiver's to judge, and whether it is then rid of it (DISCARD_MS): the sender waits for that verdict, as
 * only this is the truth. It gives up on a receiver that lives and does not judge.
 */

import { StubferryError } from '../base/errors/index.js';
import { StallTimer } from '../base/time/index.js';
import { ACKNOWLEDGEMENT, ACKNOWLEDGEMENTS, type ControlBlock, type Phase } from '../formats/protocol/control-block.js';
import { DISCARD_MS } from '../formats/state-sink.js';
import { type Link, matchEpoch, PollBackoff } from './ring/index.js';

/** @throws StubferryError NO_PROGRESS, PROTOCOL_VIOLATION, and what {@link matchEpoch} and {@link PeerMonitor.poll} throw */
export async function untilAcknowledged(link: Link): Promise<void> {
  const pace = new PollBackoff(link.clock, link.writes);
  const patience = new StallTimer(link.clock);
  let before = '';
  for (; ; await pace.wait()) {
    const receiver = await link.peer.poll();
    // Before the receiver's first block, its absence is the peer watch's to judge.
    if (receiver === undefined) continue;
    if (matchEpoch(link, receiver) && isAcknowledged(link, receiver.phase)) return;
    const now = `${receiver.epoch} ${receiver.cursor} ${receiver.phase}`;
    if (now !== before) patience.renew();
    before = now;
    checkWait(link, receiver, patience.look());
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
  const verdict = receiver.phase === 'verified' ? timeouts.commitMs + DISCARD_MS : 0;
  const limit = verdict + timeouts.progressMs;
  if (waited <= limit) return;
  throw new StubferryError('NO_PROGRESS', 'the receiver does not acknowledge the state', {
    where: device.path,
    expected: `an acknowledgement within ${limit} ms`,
    found: `${receiver.phase} at ${receiver.streamed} bytes`,
    hint: 'the destination may be slow or stuck: the log of the receiver says whether the state has become safe after all',
  });
}
