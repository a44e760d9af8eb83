/**
 * The input of an incremental parser. The bytes arrive in chunks; the parser reads them in order.
 *
 *     supply(chunk) ---> [ chunk: read so far | unread ] ---> take(8), skip(4096), ...
 *                        [ carry: the first bytes of a read request that continues in the next chunk ]
 *
 * The parser is a generator that yields when it needs another chunk. So its code looks like a loop over a file, it does
 * no I/O, and it keeps nothing of a chunk but the few bytes that belong to the next read request.
 */

import { StubferryError } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import { createXxh64, hex64, type RunningXxh64 } from '../protocol/xxh64.js';
import { Collected } from './collected.js';

/** A parser, or a step of one. It yields when it has read the whole chunk; its caller then supplies the next one. */
export type Parsing<T> = Generator<void, T, void>;

/** Bytes per update of the hash. The hash copies its input into a buffer that never shrinks. */
const HASH_CHUNK = 256 * 1024;

/** Supplies a parser with bytes, chunk by chunk. */
export class ByteFeed {
  readonly #where: string;
  readonly #base: number;
  readonly #expected: number;
  #chunk: Uint8Array = new Uint8Array(0);
  #chunkOffset = 0;
  #position = 0;
  #ended = false;
  #hash: RunningXxh64 | undefined;

  /**
   * @param where the name of the source, for messages
   * @param base offset of the first byte in the source; it is added to the offsets in errors
   * @param expected total number of bytes, if it is known
   */
  constructor(where: string, base: number, expected = 0) {
    this.#where = where;
    this.#base = base;
    this.#expected = expected;
  }

  /** Number of bytes that the parser has read. */
  get position(): number {
    return this.#position;
  }

  /** Supplies the next chunk. The parser must have read the previous one completely. */
  supply(chunk: Uint8Array): void {
    // `slice` of a Uint8Array copies the bytes, but `slice` of a Buffer does not.
    this.#chunk = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#chunkOffset = 0;
  }

  /** Ends the input: no more chunks follow. */
  end(): void {
    this.#chunk = new Uint8Array(0);
    this.#chunkOffset = 0;
    this.#ended = true;
  }

  /** Starts to hash the bytes that the parser reads from here on. */
  startHash(): void {
    this.#hash = createXxh64();
  }

  /** Ends the hash that {@link ByteFeed.startHash} started. @returns its xxh64, as 16 hexadecimal digits */
  endHash(): string {
    const digest = this.#hash?.digest() ?? 0n;
    this.#hash = undefined;
    return hex64(digest);
  }

  /**
   * Reads the next `count` bytes (at most a few KiB).
   *
   * @param what a name for these bytes, for messages
   * @returns a view that is valid until the parser yields
   * @throws StubferryError TRUNCATED: when the input ends before these bytes
   */
  *take(count: number, what: string): Parsing<Uint8Array> {
    const left = this.#chunk.length - this.#chunkOffset;
    if (left >= count) return this.#read(count);
    const carry = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const bytes = this.#read(Math.min(count - filled, this.#chunk.length - this.#chunkOffset));
      carry.set(bytes, filled);
      filled += bytes.length;
      if (filled < count) yield* this.#more(what);
    }
    return carry;
  }

  /** Returns the next byte without reading it; undefined at the end of the input. */
  *peek(): Parsing<number | undefined> {
    while (this.#chunkOffset === this.#chunk.length) {
      if (this.#ended) return undefined;
      yield;
    }
    return this.#chunk[this.#chunkOffset];
  }

  *u8(what: string): Parsing<number> {
    return viewOf(yield* this.take(1, what)).getUint8(0);
  }

  *u16(what: string): Parsing<number> {
    return viewOf(yield* this.take(2, what)).getUint16(0);
  }

  *u32(what: string): Parsing<number> {
    return viewOf(yield* this.take(4, what)).getUint32(0);
  }

  *u64(what: string): Parsing<bigint> {
    return viewOf(yield* this.take(8, what)).getBigUint64(0);
  }

  /** Reads a text: a byte with its length, then that many bytes. */
  *text(what: string): Parsing<string> {
    const length = yield* this.u8(what);
    return Buffer.from(yield* this.take(length, what)).toString('latin1');
  }

  /** Skips any number of bytes. @throws StubferryError TRUNCATED: when the input ends before that */
  *skip(count: number, what: string): Parsing<void> {
    let left = count;
    while (left > 0) {
      left -= this.#read(Math.min(left, this.#chunk.length - this.#chunkOffset)).length;
      if (left > 0) yield* this.#more(what);
    }
  }

  /**
   * Reads the rest of the input.
   *
   * @param front bytes that were read before, to put in front of the result
   * @returns a copy of `front` and of the rest
   * @throws StubferryError LIMIT_EXCEEDED: when the result is longer than `limit` bytes
   */
  *rest(front: Uint8Array, limit: number, what: string): Parsing<Uint8Array> {
    const kept = new Collected(Math.min(limit, front.length + this.#expected - this.#position));
    kept.add(front);
    for (;;) {
      const bytes = this.#read(this.#chunk.length - this.#chunkOffset);
      if (kept.length + bytes.length > limit) {
        throw new StubferryError('LIMIT_EXCEEDED', `${what} are too large`, {
          where: this.#where,
          offset: this.#base + this.#position,
          expected: `at most ${limit} bytes`,
          found: 'more',
        });
      }
      kept.add(bytes);
      if (this.#ended) return kept.joined();
      yield;
    }
  }

  #read(count: number): Uint8Array {
    const bytes = this.#chunk.subarray(this.#chunkOffset, this.#chunkOffset + count);
    this.#chunkOffset += bytes.length;
    this.#position += bytes.length;
    for (let done = 0; this.#hash !== undefined && done < bytes.length; done += HASH_CHUNK) {
      this.#hash.update(bytes.subarray(done, done + HASH_CHUNK));
    }
    return bytes;
  }

  *#more(what: string): Parsing<void> {
    if (this.#ended) {
      throw new StubferryError('TRUNCATED', 'the QEMU state is truncated', {
        where: this.#where,
        offset: this.#base + this.#position,
        expected: what,
        found: 'the end of the state',
        hint: 'it was not completely written or copied: save it again or copy it again',
      });
    }
    yield;
  }
}
