/**
 * Decides whether the header at the expected position of the ring belongs to the expected frame. Pure: this function
 * knows every way in which it can differ.
 *
 *     no magic, invalid checksum             no frame yet, or half written, or damaged: poll again
 *     an earlier position, the same offset   a frame of an earlier lap: poll again
 *     a later position, the same offset      a frame of a later lap: poll again
 *     another epoch                          a frame of an earlier sender: poll again
 *     another offset                         misdirected: an error
 *     sequence, chain, offset,               the sender violates the protocol: an error
 *     length, limit
 */

import { StubferryError } from '../../base/errors/index.js';
import { decodeFrameHeader, type FrameHeader } from '../../formats/protocol/frame.js';
import { LIMITS } from '../../formats/protocol/limits.js';
import type { Superblock } from '../../formats/protocol/superblock.js';
import { ringOffset } from './disk-layout.js';

/** The fields that the next frame must have. */
export interface Expected {
  readonly epoch: bigint;
  readonly position: number;
  readonly sequence: number;
  readonly streamOffset: number;
  readonly chain: bigint;
}

/** Why the expected frame is not available yet. */
export type NotYet = 'blank' | 'bad-checksum' | 'earlier-lap' | 'later-lap' | 'other-epoch';

/**
 * Checks the header block at the expected position.
 * @param block the header block
 * @param seed the seed of the frame checksums
 * @param where the path of the disk, for messages
 * @returns the header of the expected frame, or the reason why the frame is not available yet
 * @throws StubferryError MISDIRECTED, PROTOCOL_VIOLATION, LIMIT_EXCEEDED, UNKNOWN_RECORD
 */
export function checkHeader(
  block: Uint8Array,
  expected: Expected,
  superblock: Superblock,
  seed: bigint,
  where: string,
): FrameHeader | NotYet {
  const offset = ringOffset(superblock, expected.position);
  const header = decodeFrameHeader(block, seed);
  if (header === 'no-magic') return 'blank';
  if (header === 'bad-checksum') return 'bad-checksum';
  const violation = (
    message: string,
    wanted: string | number | bigint,
    found: string | number | bigint,
  ): StubferryError =>
    new StubferryError('PROTOCOL_VIOLATION', `frame: ${message}`, {
      where,
      offset,
      expected: `${wanted}`,
      found: `${found}`,
    });
  if (header === 'bad-length')
    throw violation('lengths contradict each other', 'a matching record and payload', 'other lengths');

  const ahead = header.position - expected.position;
  if (ahead % superblock.ringLength !== 0) {
    throw new StubferryError('MISDIRECTED', 'a frame is at the wrong ring position', {
      where,
      offset,
      expected: `ring position ${expected.position}`,
      found: `ring position ${header.position}`,
      hint: 'the disk or its driver wrote to the wrong location: do not trust this storage',
    });
  }
  if (header.epoch !== expected.epoch) return 'other-epoch';
  if (ahead < 0) return 'earlier-lap';
  // Not an error yet: a receiver that was restarted finds the ring of a sender that has not noticed the restart.
  if (ahead > 0) return 'later-lap';

  if (header.sequence !== expected.sequence)
    throw violation('wrong sequence number', expected.sequence, header.sequence);
  if (header.chainBefore !== expected.chain)
    throw violation('wrong chain checksum', expected.chain, header.chainBefore);
  const lapLeft = superblock.ringLength - (expected.position % superblock.ringLength);
  const fills = header.type === 'padding' ? header.frameLength === lapLeft : header.frameLength <= lapLeft;
  if (!fills) throw violation('wrong length for the rest of the lap', lapLeft, header.frameLength);
  const carried = expected.position + header.frameLength;
  if (carried > LIMITS.ringPerState * superblock.maxState + LIMITS.ringSlack) {
    throw new StubferryError('LIMIT_EXCEEDED', 'the frames of the state use far more ring space than its size needs', {
      where,
      offset,
      expected: `at most ${LIMITS.ringPerState * superblock.maxState + LIMITS.ringSlack} bytes of ring`,
      found: `${carried}`,
      hint: 'a sender that splits a state into tiny frames is broken or hostile',
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
    throw violation('wrong stream offset', expected.streamOffset, header.streamOffset);
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
