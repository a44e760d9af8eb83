/**
 * Reads the frames of a statefile sequentially. It checks the checksum, position, sequence, chain, limits and order of
 * each frame.
 *
 *     BEGIN -> DATA ... -> END -> INDEX -> TRAILER -> end of file
 */

import { type ErrorCode, StubferryError } from '../../base/errors/index.js';
import { BLOCK_SIZE, padded } from '../protocol/block.js';
import { chainOver, decodeFrameHeader, type FrameHeader, type FrameType } from '../protocol/frame.js';
import { LIMITS } from '../protocol/limits.js';
import { readFully, type StateSource } from '../state-source.js';

/** The types that may follow each type. */
const FOLLOWS: Readonly<Record<FrameType | 'header', readonly FrameType[]>> = {
  header: ['begin'],
  begin: ['data', 'end'],
  data: ['data', 'end'],
  end: ['index'],
  index: ['trailer'],
  trailer: [],
  padding: [],
};

/** A frame that passed all checks. The views are valid until the next call of {@link FrameReader.next}. */
export interface ReadFrame {
  readonly header: FrameHeader;
  readonly type: FrameType;
  readonly paddedPayload: Uint8Array;
}

/** Reads and checks the frames of one statefile. */
export class FrameReader {
  readonly #source: StateSource;
  readonly #where: string;
  readonly #seed: bigint;
  readonly #block = new Uint8Array(BLOCK_SIZE);
  #buffer = new Uint8Array(0);
  #offset = BLOCK_SIZE;
  #sequence = 0;
  #chain = 0n;
  #last: FrameType | 'header' = 'header';

  /**
   * @param source positioned after the header block of the file
   * @param where the file, for messages
   * @param seed of the checksums of the frames
   */
  constructor(source: StateSource, where: string, seed: bigint) {
    this.#source = source;
    this.#where = where;
    this.#seed = seed;
  }

  /**
   * Returns the next frame of a known type. It checks and skips optional frames of unknown types.
   *
   * @throws StubferryError TRUNCATED: when the file ends; CORRUPT: when a check fails; LIMIT_EXCEEDED: when the payload
   * is too large; UNKNOWN_RECORD: when a mandatory frame has an unknown type
   */
  async next(): Promise<ReadFrame> {
    for (;;) {
      await this.#fill(this.#block, `a frame after ${this.#last.toUpperCase()}`);
      const header = this.#checkHeader();
      const paddedPayload = this.#room(padded(header.payloadLength));
      await this.#fill(paddedPayload, `${paddedPayload.length} bytes of payload`, BLOCK_SIZE);
      if (chainOver(paddedPayload, this.#chain) !== header.chainAfter) {
        throw this.#error(
          'CORRUPT',
          'checksum mismatch in the payload of a frame',
          'the chain in the frame header',
          'a different chain',
          BLOCK_SIZE,
        );
      }
      if (header.type === 'data') this.#chain = header.chainAfter;
      this.#sequence += 1;
      this.#offset += header.frameLength;
      if (header.type === undefined) continue;
      this.#last = header.type;
      return { header, type: header.type, paddedPayload };
    }
  }

  /** Checks that the file ends here. @throws StubferryError CORRUPT: when more bytes follow */
  async expectEndOfFile(): Promise<void> {
    if ((await this.#source.read(this.#block)) > 0) {
      throw this.#error('CORRUPT', 'unexpected data after the end of the statefile', 'end of file', 'more bytes');
    }
  }

  async #fill(into: Uint8Array, what: string, within = 0): Promise<void> {
    const count = await readFully(this.#source, into);
    if (count === into.length) return;
    const found = `end of file at ${this.#offset + within + count}`;
    throw new StubferryError('TRUNCATED', 'the statefile is truncated', {
      where: this.#where,
      offset: this.#offset + within + count,
      expected: what,
      found,
      hint: 'the file was not completely written or copied: save the state again, or copy the file again',
    });
  }

  /** Returns memory for a payload. The caller has checked its length. */
  #room(length: number): Uint8Array {
    if (this.#buffer.length < length) this.#buffer = new Uint8Array(length);
    return this.#buffer.subarray(0, length);
  }

  #checkHeader(): FrameHeader {
    const header = decodeFrameHeader(this.#block, this.#seed);
    if (header === 'no-magic')
      throw this.#error('CORRUPT', 'no frame at this offset', 'the magic of a frame', 'other bytes');
    if (header === 'bad-checksum')
      throw this.#error(
        'CORRUPT',
        'checksum mismatch in the header of a frame',
        'the xxh64 in its last 8 bytes',
        'a different xxh64',
      );
    if (header === 'bad-length')
      throw this.#error(
        'CORRUPT',
        'the lengths of a frame contradict each other',
        'lengths that agree',
        'lengths that do not agree',
      );
    const compare = (what: string, expected: number | bigint, found: number | bigint): void => {
      if (expected !== found) throw this.#error('CORRUPT', `a frame has the wrong ${what}`, `${expected}`, `${found}`);
    };
    compare('position', this.#offset, header.position);
    compare('sequence', this.#sequence, header.sequence);
    compare('epoch', 0n, header.epoch);
    compare('chain', this.#chain, header.chainBefore);
    if (header.payloadLength > LIMITS.payload.max) {
      throw this.#error(
        'LIMIT_EXCEEDED',
        'the payload of a frame is too large',
        `at most ${LIMITS.payload.max} bytes`,
        `${header.payloadLength}`,
      );
    }
    if (header.type === undefined) {
      if (header.optional) return header;
      throw this.#error(
        'UNKNOWN_RECORD',
        'a mandatory record has an unknown type',
        'types 1 to 6',
        `${header.typeNumber}`,
      );
    }
    const allowed = FOLLOWS[this.#last];
    if (!allowed.includes(header.type)) {
      const expected = allowed.length === 0 ? 'end of file' : allowed.map((type) => type.toUpperCase()).join(' or ');
      throw this.#error('CORRUPT', 'a record is out of order', expected, header.type.toUpperCase());
    }
    return header;
  }

  #error(code: ErrorCode, message: string, expected: string, found: string, within = 0): StubferryError {
    return new StubferryError(code, message, {
      where: this.#where,
      offset: this.#offset + within,
      expected,
      found,
    });
  }
}
