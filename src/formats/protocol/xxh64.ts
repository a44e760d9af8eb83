/**
 * xxh64, the checksum of every block and frame. It catches accidents, not attackers.
 *
 * The library copies its input into one memory that never shrinks, so it is never given more than a frame
 * (1 MiB by default) at a time.
 */
import xxhash from 'xxhash-wasm';

const api = await xxhash();

/** xxh64 of `bytes`. */
export function xxh64(bytes: Uint8Array, seed: bigint): bigint {
  return api.h64Raw(bytes, seed);
}

/** A running xxh64 (seed 0) over a stream: equal to what `xxh64sum` prints for the same bytes. */
export interface RunningXxh64 {
  update(bytes: Uint8Array): unknown;
  digest(): bigint;
}

export function createXxh64(): RunningXxh64 {
  return api.create64(0n);
}

/** A u64 as 16 hexadecimal digits. */
export function hex64(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}
