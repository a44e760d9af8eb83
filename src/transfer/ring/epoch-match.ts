/**
 * Whether the receiver is with this sender, or still with one before it.
 *
 *     receiver's control block    names us            its words are for us
 *                                 names another       not yet: it begins anew when it has noticed us
 *                                 ... and has         never: it was past the point of return when that sender died, and the
 *                                 acknowledged        disk has served
 */

import { StubferryError } from '../../base/errors/index.js';
import { ACKNOWLEDGEMENTS, type ControlBlock } from '../../formats/protocol/control-block.js';
import type { Link } from './link.js';

/** @throws StubferryError STALE_EPOCH when the receiver has taken the state of another sender */
export function matchEpoch(link: Link, receiver: ControlBlock): boolean {
  const isOurs = receiver.peerEpoch === link.own.epoch;
  if (isOurs) link.peer.follow(receiver.epoch);
  else if (ACKNOWLEDGEMENTS.includes(receiver.phase)) throw taken(link, receiver);
  return isOurs;
}

function taken({ device }: Link, receiver: ControlBlock): StubferryError {
  return new StubferryError('STALE_EPOCH', 'the receiver has taken the state of a sender before this one', {
    where: device.path,
    expected: 'a receiver that begins anew with this sender',
    found: `${receiver.phase}, ${receiver.streamed} bytes of the one before`,
    hint: 'that state is safe; to send another one, start the transfer again',
  });
}
