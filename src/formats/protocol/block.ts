/**
 * The block of 4096 bytes is the unit of everything on a transfer disk and in a statefile.
 *
 *     0                                                      4088      4096
 *     +--------------------------------------------------------+---------+
 *     | content of the block, little-endian                    | xxh64   |
 *     +--------------------------------------------------------+---------+
 *
 * Every block that is not payload ends with its checksum, the xxh64 of its first 4088 bytes. The seed of the checksum
 * encodes where the block belongs. A block of another transfer, or of another position on the same disk, therefore
 * fails the checksum, and the format needs no field to compare.
 */
import { xxh64 } from './xxh64.js';

/** The size of a block, in bytes. */
export const BLOCK_SIZE = 4096;

const CHECKSUM_OFFSET = BLOCK_SIZE - 8;

/** The number of bytes in a block before its checksum. */
export const BLOCK_ROOM = CHECKSUM_OFFSET;

/** Returns a DataView of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Computes the checksum of `block` (4096 bytes) and writes it into its last 8 bytes. */
export function writeChecksum(block: Uint8Array, seed: bigint): void {
  viewOf(block).setBigUint64(CHECKSUM_OFFSET, xxh64(block.subarray(0, CHECKSUM_OFFSET), seed), true);
}

/** Whether `block` (4096 bytes) carries a valid checksum. */
export function hasValidChecksum(block: Uint8Array, seed: bigint): boolean {
  return viewOf(block).getBigUint64(CHECKSUM_OFFSET, true) === xxh64(block.subarray(0, CHECKSUM_OFFSET), seed);
}

/** Whether every byte is zero. */
export function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/**
 * Reads a u64 that is a count, a length or a position. All valid values are far below 2^53 (8 PiB).
 *
 * @returns undefined for a value of 2^53 or more, which is invalid
 */
export function readCount(view: DataView, offset: number): number | undefined {
  const value = view.getBigUint64(offset, true);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

/** Writes a count, length or position as a u64. */
export function writeCount(view: DataView, offset: number, value: number): void {
  view.setBigUint64(offset, BigInt(value), true);
}

/** Rounds a payload length up to whole blocks. Both are in bytes. */
export function padded(length: number): number {
  return Math.ceil(length / BLOCK_SIZE) * BLOCK_SIZE;
}
