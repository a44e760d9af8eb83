/**
 * Runs a pull parser over a source that can only be read sequentially: a pipe or a decompressed file.
 *
 * It buffers the bytes that the parser marks as the state, because only the end of the container shows whether the
 * container is complete.
 */
import { StubferryError } from '../../base/errors/index.js';
import type { PullParser, ReadRequest, ReadResult } from '../../formats/pull-parser/index.js';
import type { StateSource } from '../../formats/state-source.js';

const BUFFER_BYTES = 64 * 1024;
const NONE = new Uint8Array(0);

/** The outcome of {@link parseSource}. */
export interface Parsed<T> {
  /** The result of the parser. */
  readonly result: T;
  /** Bytes that were read from the source and not requested by the parser. They precede the rest of the source. */
  readonly unread: Uint8Array;
}

/** How {@link parseSource} buffers a state. */
export interface BufferingOptions {
  /** The maximum size of the state, in bytes. */
  readonly limit: number;
  /** Receives each complete state. A later state replaces an earlier one. */
  readonly onState: (state: Uint8Array) => void;
}

/**
 * Runs `parser` over `source` from its current position.
 * @param where the name of the input, for error messages
 * @throws StubferryError LIMIT_EXCEEDED: when the state is larger than the limit
 * @throws StubferryError: any error of the parser or the source
 */
export async function parseSource<T>(
  source: StateSource,
  parser: PullParser<T>,
  where: string,
  buffering: BufferingOptions,
): Promise<Parsed<T>> {
  const cursor = new SourceCursor(source, where, buffering);
  let step = parser.next({ passed: 0, bytes: NONE });
  while (step.done !== true) step = parser.next(await cursor.result(step.value));
  return { result: step.value, unread: cursor.unread };
}

class SourceCursor {
  readonly #source: StateSource;
  readonly #where: string;
  readonly #buffering: BufferingOptions;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #unread: Uint8Array = NONE;
  #offset = 0;

  constructor(source: StateSource, where: string, buffering: BufferingOptions) {
    this.#source = source;
    this.#where = where;
    this.#buffering = buffering;
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
      const chunk = await this.#next(length - passed);
      if (chunk.length === 0) break;
      passed += chunk.length;
    }
    return { passed, bytes: NONE };
  }

  async #collect(kind: 'take' | 'state', length: number): Promise<ReadResult> {
    if (kind === 'state' && length > this.#buffering.limit) throw this.#tooLarge(length);
    if (kind === 'take' && length <= this.#unread.length) {
      const bytes = this.#unread.subarray(0, length);
      this.#unread = this.#unread.subarray(length);
      return { passed: length, bytes };
    }
    const chunks: Uint8Array[] = [];
    let passed = 0;
    while (passed < length) {
      const chunk = await this.#next(length - passed);
      if (chunk.length === 0) break;
      // The next read overwrites the buffer, so this is a copy.
      chunks.push(Uint8Array.from(chunk));
      passed += chunk.length;
    }
    const bytes = Buffer.concat(chunks);
    if (kind === 'state' && passed === length) this.#buffering.onState(bytes);
    return { passed, bytes: kind === 'take' ? bytes : NONE };
  }

  /**
   * Returns at most `limit` of the next bytes, valid until the next call. It returns no bytes at the end of the source.
   */
  async #next(limit: number): Promise<Uint8Array> {
    if (this.#unread.length === 0) this.#unread = this.#buffer.subarray(0, await this.#source.read(this.#buffer));
    const chunk = this.#unread.subarray(0, limit);
    this.#unread = this.#unread.subarray(chunk.length);
    return chunk;
  }

  #tooLarge(length: number): StubferryError {
    return new StubferryError(
      'LIMIT_EXCEEDED',
      'the emulator context is too large to be buffered until the end of a pipe',
      {
        where: this.#where,
        offset: this.#offset,
        expected: `at most ${this.#buffering.limit} bytes`,
        found: `${length} bytes`,
        hint: 'pass the input as a decompressed file, which can be read at any offset',
      },
    );
  }
}
