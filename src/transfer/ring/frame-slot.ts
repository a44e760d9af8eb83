/**
 * Aligned memory for one frame, with header and payload back to back: a frame is one read or one write, and its payload
 * is filled, hashed and sent without a copy. Slots are allocated once for each transfer.
 */
import { AlignedMemory } from '../../blockdev-utils/index.js';
import { BLOCK_SIZE, padded } from '../../formats/protocol/block.js';

/** Memory for one frame. */
export interface FrameSlot {
  /** The header block and space for the largest payload. */
  readonly bytes: Uint8Array;
  /** The first 4096 bytes. */
  readonly header: Uint8Array;
  /** The bytes behind the header. */
  readonly payload: Uint8Array;
}

/**
 * Allocates `count` slots.
 * @param maxPayload largest payload of a frame, in bytes
 */
export function makeSlots(count: number, maxPayload: number): FrameSlot[] {
  const length = BLOCK_SIZE + padded(maxPayload);
  const memory = new AlignedMemory(count * length);
  return Array.from({ length: count }, () => {
    const bytes = memory.take(length);
    return { bytes, header: bytes.subarray(0, BLOCK_SIZE), payload: bytes.subarray(BLOCK_SIZE) };
  });
}
