/**
 * A pull parser parses a format without doing I/O. It is a generator that yields read requests. A driver executes them
 * and passes the results back.
 *
 *     parser of a format                           driver
 *     yield take 8 bytes            ------------>  reads them
 *     parses them                   <------------  the 8 bytes, or fewer at the end of the input
 *     yield pass 4 MiB              ------------>  seeks in a file; reads and drops the bytes of a pipe
 *     yield state of 6674 bytes     ------------>  passes over them too, and stores or forwards them
 *
 * The same parser therefore works for a file of 10 GiB, of which it reads little more than the record headers, for a
 * pipe, and for bytes in memory. Nested formats (xl save file, libxl stream, libxc stream) are nested generators.
 */
import { type ErrorCode, type ErrorDetails, StubferryError } from '../../base/errors/index.js';

/**
 * A request of a parser for the next `length` bytes.
 *
 *     take    the parser needs the bytes; there are few enough of them to fit into memory
 *     pass    the parser skips the bytes
 *     state   the parser skips the bytes; they are the device state in the container
 */
export interface ReadRequest {
  readonly kind: 'take' | 'pass' | 'state';
  readonly length: number;
}

/** The result of a read request. */
export interface ReadResult {
  /** The number of bytes that were read or skipped. It is less than `length` only at the end of the input. */
  readonly passed: number;
  /** The bytes of a `take` request, otherwise empty. They are valid until the next request. */
  readonly bytes: Uint8Array;
}

/** A running parser with a result of type T. */
export type PullParser<T> = Generator<ReadRequest, T, ReadResult>;

/**
 * The position of a parser in the input, with the read requests. The parsers of nested formats share one cursor.
 */
export class Cursor {
  /** The name of the input, for messages. */
  readonly where: string;
  /** The offset of the next byte, counted from the start of the input. */
  offset = 0;

  constructor(where: string) {
    this.where = where;
  }

  /**
   * Reads the next `length` bytes. They are valid until the next request.
   *
   * @param what names the bytes in the error
   * @throws StubferryError TRUNCATED: when the input ends before them
   */
  *take(length: number, what: string): PullParser<Uint8Array> {
    const { bytes } = yield* this.#request('take', length, what);
    return bytes;
  }

  /** Skips `length` bytes. @throws StubferryError TRUNCATED: when the input ends before them */
  *pass(length: number, what: string): PullParser<void> {
    yield* this.#request('pass', length, what);
  }

  /** Skips `length` bytes of device state. @throws StubferryError TRUNCATED: when the input ends before them */
  *state(length: number, what: string): PullParser<void> {
    yield* this.#request('state', length, what);
  }

  /** Checks that the input ends here. @throws StubferryError CORRUPT: when more bytes follow */
  *expectEnd(format: string): PullParser<void> {
    const { passed } = yield { kind: 'take', length: 1 };
    if (passed > 0) {
      throw this.error('CORRUPT', `unexpected data after the end of the ${format}`, {
        expected: 'end of file',
        found: 'more bytes',
        hint: 'were two files joined, or is the file larger than what was written into it?',
      });
    }
  }

  *#request(kind: ReadRequest['kind'], length: number, what: string): PullParser<ReadResult> {
    const result = yield { kind, length };
    if (result.passed < length) {
      throw this.error('TRUNCATED', 'the input is truncated', {
        offset: this.offset + result.passed,
        expected: `${what}: ${length} bytes from offset ${this.offset}`,
        found: `end of file at ${this.offset + result.passed}`,
        hint: 'the input was not completely written or copied',
      });
    }
    this.offset += length;
    return result;
  }

  /** Creates an error at the current offset, or at the offset in `details`. */
  error(code: ErrorCode, message: string, details: ErrorDetails = {}): StubferryError {
    return new StubferryError(code, message, { where: this.where, offset: this.offset, ...details });
  }
}
