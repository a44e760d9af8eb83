/**
 * Whether the receiver has accepted this sender, or still belongs to an earlier one.
 *
 *     receiver's control block    names this sender       its progress is for this sender
 *                                 names another           not yet: the receiver restarts when it notices this sender
 *                                 ... and has             never: the earlier sender died after the commit, and the
 *                                 acknowledged            disk has been used
 */

import { StubferryError } from '../../base/errors/index.js';
import { ACKNOWLEDGEMENTS, type ControlBlock } from '../../formats/protocol/control-block.js';
import type { Link } from './link.js';

/**
 * Returns whether the receiver's control block names the epoch of this sender. If it does, the peer monitor expects the
 * receiver's epoch from then on.
 * @throws StubferryError STALE_EPOCH: when the receiver has accepted the state of another sender
 */
export function matchEpoch(link: Link, receiver: ControlBlock): boolean {
  const isOurs = receiver.peerEpoch === link.own.epoch;
  if (isOurs) link.peer.expectEpoch(receiver.epoch);
  else if (ACKNOWLEDGEMENTS.includes(receiver.phase)) throw staleEpoch(link, receiver);
  return isOurs;
}

function staleEpoch({ device }: Link, receiver: ControlBlock): StubferryError {
  return new StubferryError('STALE_EPOCH', 'the receiver has accepted the state of an earlier sender', {
    where: device.path,
    expected: 'a receiver that restarts with this sender',
    found: `${receiver.phase}, ${receiver.streamed} bytes of the earlier state`,
    hint: 'that state is safe; to send another one, start the transfer again',
  });
}
