/**
 * The block: 4096 bytes, the unit of everything on a transfer disk and in a statefile.
 *
 *     0                                                      4088      4096
 *     +--------------------------------------------------------+---------+
 *     | what the block says, little-endian                     | xxh64   |
 *     +--------------------------------------------------------+---------+
 *
 * Every block that is not payload ends in the xxh64 of its first 4088 bytes: the *checksum*. The seed of the checksum
 * says where the block belongs: a block of another transfer, or of another place on the same disk, does not
 * check, without a field to compare.
 */
import { xxh64 } from './xxh64.js';

/** Bytes. */
export const BLOCK_SIZE = 4096;

const CHECKSUM_OFFSET = BLOCK_SIZE - 8;

/** Bytes of a block that can say something. */
export const BLOCK_ROOM = CHECKSUM_OFFSET;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes the checksum of `block` (4096 bytes). */
export function writeChecksum(block: Uint8Array, seed: bigint): void {
  viewOf(block).setBigUint64(CHECKSUM_OFFSET, xxh64(block.subarray(0, CHECKSUM_OFFSET), seed), true);
}

/** Whether `block` (4096 bytes) carries the checksum it should. */
export function hasValidChecksum(block: Uint8Array, seed: bigint): boolean {
  return viewOf(block).getBigUint64(CHECKSUM_OFFSET, true) === xxh64(block.subarray(0, CHECKSUM_OFFSET), seed);
}

/** Whether every byte is zero. */
export function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/**
 * A u64 that is a count, a length or a position. Nothing here gets near 2^53 (8 PiB), so a larger one is a lie.
 * Returns undefined for one.
 */
export function readCount(view: DataView, offset: number): number | undefined {
  const value = view.getBigUint64(offset, true);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

/** Writes a count, length or position as a u64. */
export function writeCount(view: DataView, offset: number, value: number): void {
  view.setBigUint64(offset, BigInt(value), true);
}

/** Bytes that `length` bytes of payload take: whole blocks. */
export function padded(length: number): number {
  return Math.ceil(length / BLOCK_SIZE) * BLOCK_SIZE;
}
