/**
 * Bytes that come in pieces, for a parser that wants them one after another.
 *
 *     offer(piece) ---> [ piece: read up to here | rest ] ---> take(8), skip(4096), ...
 *                       [ carry: the beginning of what is asked for, when the piece ends within it ]
 *
 * The parser is a generator: it yields when it needs another piece. So it reads like a loop over a file, does no I/O, and
 * keeps nothing of a piece but the few bytes that belong to the next one.
 */

import { StubferryError } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import { createXxh64, hex64, type RunningXxh64 } from '../protocol/xxh64.js';
import { Collected } from './collected.js';

/** Yields when it has read all that was offered. */
export type Parsing<T> = Generator<void, T, void>;

/** The hash copies what it is given into a memory that never shrinks. */
const HASH_AT_ONCE = 256 * 1024;

export class ByteFeed {
  readonly #where: string;
  readonly #base: number;
  readonly #expected: number;
  #span: Uint8Array = new Uint8Array(0);
  #at = 0;
  #position = 0;
  #ended = false;
  #hash: RunningXxh64 | undefined;

  /**
   * @param base added to offsets in errors: where byte 0 is within `where`
   * @param expected bytes in all, where that is known
   */
  constructor(where: string, base: number, expected = 0) {
    this.#where = where;
    this.#base = base;
    this.#expected = expected;
  }

  /** Bytes that were read. */
  get position(): number {
    return this.#position;
  }

  /** Offers the next piece; the one before must have been read to its end. */
  offer(span: Uint8Array): void {
    // A Buffer's `slice` does not copy, a Uint8Array's does.
    this.#span = new Uint8Array(span.buffer, span.byteOffset, span.length);
    this.#at = 0;
  }

  /** There will be no more pieces. */
  end(): void {
    this.#span = new Uint8Array(0);
    this.#at = 0;
    this.#ended = true;
  }

  /** From here on, what is read is hashed. */
  startHash(): void {
    this.#hash = createXxh64();
  }

  /** Ends that; 16 hexadecimal digits. */
  endHash(): string {
    const digest = this.#hash?.digest() ?? 0n;
    this.#hash = undefined;
    return hex64(digest);
  }

  /** The next `count` bytes (at most a few KiB); a view that is valid until the parser yields. @throws TRUNCATED */
  *take(count: number, what: string): Parsing<Uint8Array> {
    const left = this.#span.length - this.#at;
    if (left >= count) return this.#read(count);
    const carry = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const part = this.#read(Math.min(count - filled, this.#span.length - this.#at));
      carry.set(part, filled);
      filled += part.length;
      if (filled < count) yield* this.#more(what);
    }
    return carry;
  }

  /** The next byte, which is not read by this; undefined at the end of the state. */
  *peek(): Parsing<number | undefined> {
    while (this.#at === this.#span.length) {
      if (this.#ended) return undefined;
      yield;
    }
    return this.#span[this.#at];
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

  /** A byte with a length, and so many bytes of text. */
  *text(what: string): Parsing<string> {
    const length = yield* this.u8(what);
    return Buffer.from(yield* this.take(length, what)).toString('latin1');
  }

  /** Passes over any number of bytes. @throws TRUNCATED */
  *skip(count: number, what: string): Parsing<void> {
    let left = count;
    while (left > 0) {
      left -= this.#read(Math.min(left, this.#span.length - this.#at)).length;
      if (left > 0) yield* this.#more(what);
    }
  }

  /** `front`, and all that is left, copied. @throws LIMIT_EXCEEDED beyond `limit` bytes */
  *rest(front: Uint8Array, limit: number, what: string): Parsing<Uint8Array> {
    const kept = new Collected(Math.min(limit, front.length + this.#expected - this.#position));
    kept.add(front);
    for (;;) {
      const part = this.#read(this.#span.length - this.#at);
      if (kept.length + part.length > limit) {
        throw new StubferryError('LIMIT_EXCEEDED', `${what} are too large to be looked into`, {
          where: this.#where,
          offset: this.#base + this.#position,
          expected: `at most ${limit} bytes`,
          found: 'more',
        });
      }
      kept.add(part);
      if (this.#ended) return kept.joined();
      yield;
    }
  }

  #read(count: number): Uint8Array {
    const part = this.#span.subarray(this.#at, this.#at + count);
    this.#at += part.length;
    this.#position += part.length;
    for (let done = 0; this.#hash !== undefined && done < part.length; done += HASH_AT_ONCE) {
      this.#hash.update(part.subarray(done, done + HASH_AT_ONCE));
    }
    return part;
  }

  *#more(what: string): Parsing<void> {
    if (this.#ended) {
      throw new StubferryError('TRUNCATED', 'the QEMU state ends too early', {
        where: this.#where,
        offset: this.#base + this.#position,
        expected: what,
        found: 'its end',
        hint: 'it was not completely written or copied: save it again or copy it again',
      });
    }
    yield;
  }
}
