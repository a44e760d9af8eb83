/**
 * Whether a header found at the expected place of the ring is the expected frame. Pure: the one place that knows
 * every way in which it can be another.
 *
 *     no magic, bad checksum          nothing there yet, or half written, or damaged: look again
 *     position behind, same place a frame of an earlier lap: look again
 *     position ahead, same place  a frame of a later lap: look again
 *     another epoch               left by an earlier sender: look again
 *     another place               misdirected: an error
 *     sequence, chain, offset,    the sender breaks the protocol: an error
 *     length, limit
 */

import { StubferryError } from '../../base/errors/index.js';
import { decodeFrameHeader, type FrameHeader } from '../../formats/protocol/frame.js';
import { LIMITS } from '../../formats/protocol/limits.js';
import type { Superblock } from '../../formats/protocol/superblock.js';
import { ringPlace } from './disk-layout.js';

/** What the next frame must say. */
export interface Expected {
  readonly epoch: bigint;
  readonly position: number;
  readonly sequence: number;
  readonly streamOffset: number;
  readonly chain: bigint;
}

/** Why there is no frame yet. */
export type NotYet = 'blank' | 'bad-checksum' | 'earlier-lap' | 'later-lap' | 'other-epoch';

/**
 * @param where the disk, for messages
 * @throws StubferryError MISDIRECTED, PROTOCOL_VIOLATION, LIMIT_EXCEEDED, UNKNOWN_RECORD
 */
export function checkHeader(
  block: Uint8Array,
  expected: Expected,
  superblock: Superblock,
  seed: bigint,
  where: string,
): FrameHeader | NotYet {
  const offset = ringPlace(superblock, expected.position);
  const header = decodeFrameHeader(block, seed);
  if (header === 'no-magic') return 'blank';
  if (header === 'bad-checksum') return 'bad-checksum';
  const violation = (
    message: string,
    should: string | number | bigint,
    found: string | number | bigint,
  ): StubferryError =>
    new StubferryError('PROTOCOL_VIOLATION', `frame: ${message}`, {
      where,
      offset,
      expected: `${should}`,
      found: `${found}`,
    });
  if (header === 'bad-length')
    throw violation('lengths contradict each other', 'a record and payload that fit', 'others');

  const ahead = header.position - expected.position;
  if (ahead % superblock.ringLength !== 0) {
    throw new StubferryError('MISDIRECTED', 'a frame stands at a place that it was not written for', {
      where,
      offset,
      expected: `ring position ${expected.position}`,
      found: `ring position ${header.position}`,
      hint: 'the disk or its driver wrote to the wrong place: do not trust this storage',
    });
  }
  if (header.epoch !== expected.epoch) return 'other-epoch';
  if (ahead < 0) return 'earlier-lap';
  // No error yet: so a receiver that was started again meets the ring of a sender that has not noticed it.
  if (ahead > 0) return 'later-lap';

  if (header.sequence !== expected.sequence) throw violation('sequence', expected.sequence, header.sequence);
  if (header.chainBefore !== expected.chain) throw violation('chain', expected.chain, header.chainBefore);
  const lapLeft = superblock.ringLength - (expected.position % superblock.ringLength);
  const fills = header.type === 'padding' ? header.frameLength === lapLeft : header.frameLength <= lapLeft;
  if (!fills) throw violation('length against the rest of the lap', lapLeft, header.frameLength);
  const carried = expected.position + header.frameLength;
  if (carried > LIMITS.ringPerState * superblock.maxState + LIMITS.ringSlack) {
    throw new StubferryError('LIMIT_EXCEEDED', 'the frames of the state take far more room than it needs', {
      where,
      offset,
      expected: `at most ${LIMITS.ringPerState * superblock.maxState + LIMITS.ringSlack} bytes of ring`,
      found: `${carried}`,
      hint: 'a sender that sends a state in crumbs is broken or hostile',
    });
  }
  if (header.payloadLength > superblock.maxPayload) {
    throw new StubferryError('LIMIT_EXCEEDED', 'frame: payload larger than the superblock allows', {
      where,
      offset,
      expected: `at most ${superblock.maxPayload} bytes`,
      found: `${header.payloadLength} bytes`,
    });
  }
  if (header.type === undefined && !header.optional) {
    throw new StubferryError('UNKNOWN_RECORD', `a mandatory record of unknown type ${header.typeNumber}`, {
      where,
      offset,
      hint: 'the sender is a newer stubferry: run the same version on both sides',
    });
  }
  if (header.type === 'data' && header.streamOffset !== expected.streamOffset) {
    throw violation('stream offset', expected.streamOffset, header.streamOffset);
  }
  if (header.type === 'data' && header.streamOffset + header.payloadLength > superblock.maxState) {
    throw new StubferryError('LIMIT_EXCEEDED', 'the state is larger than the superblock allows', {
      where,
      expected: `at most ${superblock.maxState} bytes`,
      found: 'more',
      hint: 'raise --max-state on the dom0 side',
    });
  }
  return header;
}
