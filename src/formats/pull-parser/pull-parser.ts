/**
 * How a format is walked without any I/O: as a generator that asks for bytes, and is given them by whoever drives it.
 *
 *     reader of a format                          driver
 *     yield take 8 bytes           ------------>  reads them
 *     (parses)                     <------------  the 8 bytes, or fewer at the end of the input
 *     yield pass over 4 MiB        ------------>  seeks in a file, reads and forgets in a pipe
 *     yield state of 6674 bytes    ------------>  passes over them too, and keeps or hands on what it passed
 *
 * So one reader serves a file of 10 GiB, of which little more than the record headers is read, a pipe, and bytes in
 * memory; and nested formats (xl save file, libxl stream, libxc stream) are nested generators.
 */
import { type ErrorCode, type ErrorDetails, StubferryError } from '../../base/errors/index.js';

/**
 * What a reader asks for. `take`: the bytes themselves, so few that they may be in memory at once. `pass`: to get past so
 * many bytes. `state`: the same, and these bytes are the device state that the container holds.
 */
export interface ReadRequest {
  readonly kind: 'take' | 'pass' | 'state';
  readonly length: number;
}

/** What a driver answers: how far it got (short at the end of the input only) and, of a `take`, the bytes. */
export interface ReadResult {
  readonly passed: number;
  /** Valid until the next question. */
  readonly bytes: Uint8Array;
}

/** A reader under way. */
export type PullParser<T> = Generator<ReadRequest, T, ReadResult>;

/** Where a reader stands, and how it asks. One for the whole input, handed from format to format. */
export class Cursor {
  /** The input, for messages. */
  readonly where: string;
  /** Bytes from the beginning of the input. */
  offset = 0;

  constructor(where: string) {
    this.where = where;
  }

  /**
   * The next `length` bytes, valid until the next question.
   * @param what they are, for the error when the input ends before
   * @throws StubferryError TRUNCATED
   */
  *take(length: number, what: string): PullParser<Uint8Array> {
    const { bytes } = yield* this.#request('take', length, what);
    return bytes;
  }

  /** Goes past `length` bytes. @throws StubferryError TRUNCATED */
  *pass(length: number, what: string): PullParser<void> {
    yield* this.#request('pass', length, what);
  }

  /** Goes past `length` bytes, which are the state that is held here. @throws StubferryError TRUNCATED */
  *state(length: number, what: string): PullParser<void> {
    yield* this.#request('state', length, what);
  }

  /** @throws StubferryError CORRUPT when anything follows */
  *expectEnd(format: string): PullParser<void> {
    const { passed } = yield { kind: 'take', length: 1 };
    if (passed > 0) {
      throw this.error('CORRUPT', `something follows the end of the ${format}`, {
        expected: 'end of file',
        found: 'more bytes',
        hint: 'were two files joined, or is the file larger than what was written into it?',
      });
    }
  }

  *#request(kind: ReadRequest['kind'], length: number, what: string): PullParser<ReadResult> {
    const result = yield { kind, length };
    if (result.passed < length) {
      throw this.error('TRUNCATED', 'the input ends too early', {
        offset: this.offset + result.passed,
        expected: `${what}: ${length} bytes from ${this.offset}`,
        found: `end of file at ${this.offset + result.passed}`,
        hint: 'it was not completely written or copied',
      });
    }
    this.offset += length;
    return result;
  }

  /** An error at this place, or at the offset in `details`. */
  error(code: ErrorCode, message: string, details: ErrorDetails = {}): StubferryError {
    return new StubferryError(code, message, { where: this.where, offset: this.offset, ...details });
  }
}
