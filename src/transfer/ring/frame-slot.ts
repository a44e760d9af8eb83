/**
 * A place in memory for one frame: aligned, header and payload back to back, so that a frame is one read or one
 * write, and its payload is filled, hashed and sent where it lies. Slots are made once for each transfer.
 */
import { AlignedMemory } from '../../blockdev-utils/index.js';
import { BLOCK_SIZE, padded } from '../../formats/protocol/block.js';

export interface FrameSlot {
  /** Header block and room for the largest payload. */
  readonly bytes: Uint8Array;
  /** The first 4096 bytes. */
  readonly header: Uint8Array;
  /** The rest. */
  readonly payload: Uint8Array;
}

/** @param maxPayload bytes */
export function makeSlots(count: number, maxPayload: number): FrameSlot[] {
  const length = BLOCK_SIZE + padded(maxPayload);
  const memory = new AlignedMemory(count * length);
  return Array.from({ length: count }, () => {
    const bytes = memory.take(length);
    return { bytes, header: bytes.subarray(0, BLOCK_SIZE), payload: bytes.subarray(BLOCK_SIZE) };
  });
}
