/**
 * xxh64, the checksum of every block and frame. It detects accidental damage, but not deliberate changes.
 *
 * The library copies its input into a WebAssembly memory that never shrinks. The callers therefore pass at most one
 * frame (1 MiB by default) at a time.
 */
import xxhash from 'xxhash-wasm';

const api = await xxhash();

/** Computes the xxh64 of `bytes`. */
export function xxh64(bytes: Uint8Array, seed: bigint): bigint {
  return api.h64Raw(bytes, seed);
}

/** An incremental xxh64 with seed 0. The digest is what `xxh64sum` prints for the same bytes. */
export interface RunningXxh64 {
  update(bytes: Uint8Array): unknown;
  digest(): bigint;
}

/** Creates an incremental xxh64. */
export function createXxh64(): RunningXxh64 {
  return api.create64(0n);
}

/** Formats a u64 as 16 hexadecimal digits. */
export function hex64(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}
