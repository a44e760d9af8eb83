/**
 * Drives a reader over what can only be read forwards: a pipe, an unpacked file. What the reader calls the state is kept,
 * since whether the container is whole is known only at its end.
 */
import { StubferryError } from '../../base/errors/index.js';
import type { PullParser, ReadRequest, ReadResult } from '../../formats/pull-parser/index.js';
import type { StateSource } from '../../formats/state-source.js';

const BUFFER_BYTES = 64 * 1024;
const NONE = new Uint8Array(0);

/** What was read of the source and not asked for: with it the source goes on where the reader stopped. */
export interface Parsed<T> {
  readonly result: T;
  readonly unread: Uint8Array;
}

export interface KeepOptions {
  /** Most bytes of the state. */
  readonly limit: number;
  /** Given each state that was passed, whole; a later one takes the place of an earlier one. */
  readonly onState: (state: Uint8Array) => void;
}

/** @throws StubferryError LIMIT_EXCEEDED for a state larger than may be kept, and whatever the reader or the source throws */
export async function parseSource<T>(
  source: StateSource,
  parser: PullParser<T>,
  where: string,
  keep: KeepOptions,
): Promise<Parsed<T>> {
  const cursor = new SourceCursor(source, where, keep);
  let step = parser.next({ passed: 0, bytes: NONE });
  while (step.done !== true) step = parser.next(await cursor.result(step.value));
  return { result: step.value, unread: cursor.unread };
}

class SourceCursor {
  readonly #source: StateSource;
  readonly #where: string;
  readonly #keep: KeepOptions;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #unread: Uint8Array = NONE;
  #offset = 0;

  constructor(source: StateSource, where: string, keep: KeepOptions) {
    this.#source = source;
    this.#where = where;
    this.#keep = keep;
  }

  get unread(): Uint8Array {
    return this.#unread;
  }

  async result({ kind, length }: ReadRequest): Promise<ReadResult> {
    const result = await (kind === 'pass' ? this.#pass(length) : this.#collect(kind, length));
    this.#offset += result.passed;
    return result;
  }

  async #pass(length: number): Promise<ReadResult> {
    let passed = 0;
    while (passed < length) {
      const piece = await this.#next(length - passed);
      if (piece.length === 0) break;
      passed += piece.length;
    }
    return { passed, bytes: NONE };
  }

  async #collect(kind: 'take' | 'state', length: number): Promise<ReadResult> {
    if (kind === 'state' && length > this.#keep.limit) throw this.#tooLarge(length);
    if (kind === 'take' && length <= this.#unread.length) {
      const bytes = this.#unread.subarray(0, length);
      this.#unread = this.#unread.subarray(length);
      return { passed: length, bytes };
    }
    const pieces: Uint8Array[] = [];
    let passed = 0;
    while (passed < length) {
      const piece = await this.#next(length - passed);
      if (piece.length === 0) break;
      // A copy: the buffer is read into again.
      pieces.push(Uint8Array.from(piece));
      passed += piece.length;
    }
    const bytes = Buffer.concat(pieces);
    if (kind === 'state' && passed === length) this.#keep.onState(bytes);
    return { passed, bytes: kind === 'take' ? bytes : NONE };
  }

  /** At most `most` of the next bytes, valid until the next call; none at the end. */
  async #next(most: number): Promise<Uint8Array> {
    if (this.#unread.length === 0) this.#unread = this.#buffer.subarray(0, await this.#source.read(this.#buffer));
    const piece = this.#unread.subarray(0, most);
    this.#unread = this.#unread.subarray(piece.length);
    return piece;
  }

  #tooLarge(length: number): StubferryError {
    return new StubferryError(
      'LIMIT_EXCEEDED',
      'the emulator context is too large to be kept until the end of a pipe',
      {
        where: this.#where,
        offset: this.#offset,
        expected: `at most ${this.#keep.limit} bytes`,
        found: `${length} bytes`,
        hint: 'give it as an unpacked file, which can be read in any order',
      },
    );
  }
}
