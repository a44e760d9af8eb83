/**
 * Reads a statefile sequentially, from any source. It reports the end only when the file is complete: END agrees with
 * the data, INDEX and TRAILER agree with the offsets of the frames, and no byte follows.
 */

import { located, StubferryError } from '../../base/errors/index.js';
import { BLOCK_SIZE } from '../protocol/block.js';
import {
  type BeginRecord,
  decodeBegin,
  decodeEnd,
  decodeIndex,
  decodeTrailer,
  type EndRecord,
} from '../protocol/records.js';
import { checkEnd, StateDigest } from '../protocol/state-digest.js';
import { uuidSeed } from '../protocol/uuid.js';
import { readFully, type StateSource } from '../state-source.js';
import { DataIndex, decodeIndexEntries } from './data-index.js';
import { decodeStatefileHeader, type StatefileHeader } from './file-header.js';
import { FrameReader, type ReadFrame } from './frame-reader.js';

/** Reads and checks one statefile. */
export class StatefileReader {
  readonly header: StatefileHeader;
  readonly begin: BeginRecord;
  readonly #frames: FrameReader;
  readonly #where: string;
  readonly #digest: StateDigest;
  readonly #index = new DataIndex();
  #end: EndRecord | undefined;
  #fileBytes = 0;

  private constructor(header: StatefileHeader, begin: BeginRecord, frames: FrameReader, where: string) {
    this.header = header;
    this.begin = begin;
    this.#frames = frames;
    this.#where = where;
    this.#digest = new StateDigest(begin.sha256);
  }

  /**
   * Reads the header and BEGIN.
   *
   * @param where the file, for messages
   * @throws StubferryError TRUNCATED: when the file ends before BEGIN ends; NOT_A_STATE: when it is not a statefile;
   * UNSUPPORTED_VERSION: when its major version is another one; CORRUPT, LIMIT_EXCEEDED, UNKNOWN_RECORD: as
   * {@link FrameReader.next}
   */
  static async open(source: StateSource, where: string): Promise<StatefileReader> {
    const block = new Uint8Array(BLOCK_SIZE);
    const count = await readFully(source, block);
    if (count < BLOCK_SIZE) {
      throw new StubferryError('TRUNCATED', 'the statefile ends within its header', {
        where,
        offset: count,
        expected: `${BLOCK_SIZE} bytes`,
        found: `${count} bytes`,
      });
    }
    const header = decodeStatefileHeader(block, where);
    const frames = new FrameReader(source, where, uuidSeed(header.transferUuid));
    const { header: first } = await frames.next();
    const begin = located(where, first.position, () => decodeBegin(first.record));
    return new StatefileReader(header, begin, frames, where);
  }

  /** The END record. It is undefined until the whole file was read and checked. */
  get end(): EndRecord | undefined {
    return this.#end;
  }

  /** The number of bytes of the state, and of data frames, so far. */
  get progress(): { readonly bytes: number; readonly frames: number } {
    return { bytes: this.#digest.bytes, frames: this.#digest.frames };
  }

  /** The length of the file in bytes. It is 0 until the whole file was read and checked. */
  get fileBytes(): number {
    return this.#fileBytes;
  }

  /**
   * Returns the payload of the next DATA frame, which is valid until the next call, or undefined at the end of a
   * complete file.
   *
   * @throws StubferryError DIGEST_MISMATCH: when END does not match the data; CORRUPT: when the stream offset of a
   * frame, INDEX or TRAILER is wrong; and the errors of {@link FrameReader.next}
   */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#end !== undefined) return undefined;
    const { header, type, paddedPayload } = await this.#frames.next();
    if (type === 'data') {
      if (header.streamOffset !== this.#digest.bytes) {
        throw this.#corrupt(
          'the stream offset of a frame',
          header.position,
          `${this.#digest.bytes}`,
          `${header.streamOffset}`,
        );
      }
      const payload = paddedPayload.subarray(0, header.payloadLength);
      this.#digest.update(payload);
      this.#index.add({ streamOffset: header.streamOffset, fileOffset: header.position });
      return payload;
    }
    const endOffset = header.position;
    const end = located(this.#where, endOffset, () => decodeEnd(header.record, this.begin.sha256));
    located(this.#where, endOffset, () => checkEnd(end, this.#digest.end(header.chainBefore), this.#where));
    await this.#readTail(endOffset);
    this.#end = end;
    return undefined;
  }

  async #readTail(endOffset: number): Promise<void> {
    const index = await this.#frames.next();
    this.#checkIndex(index);
    const indexOffset = index.header.position;
    const { header } = await this.#frames.next();
    const trailer = located(this.#where, header.position, () => decodeTrailer(header.record));
    const fileBytes = header.position + header.frameLength;
    const agrees =
      trailer.endOffset === endOffset && trailer.indexOffset === indexOffset && trailer.fileBytes === fileBytes;
    if (!agrees) {
      const text = (end: number, at: number, bytes: number): string => `END at ${end}, INDEX at ${at}, ${bytes} bytes`;
      const found = text(trailer.endOffset, trailer.indexOffset, trailer.fileBytes);
      throw this.#corrupt('the TRAILER record', header.position, text(endOffset, indexOffset, fileBytes), found);
    }
    await this.#frames.expectEndOfFile();
    this.#fileBytes = fileBytes;
  }

  #checkIndex({ header, paddedPayload }: ReadFrame): void {
    const count = located(this.#where, header.position, () => decodeIndex(header.record));
    const entries = decodeIndexEntries(paddedPayload.subarray(0, header.payloadLength), count);
    const actual = this.#index.entries;
    const same = entries?.every((entry, position) => {
      return entry.streamOffset === actual[position]?.streamOffset && entry.fileOffset === actual[position]?.fileOffset;
    });
    if (same === true && entries?.length === actual.length) return;
    throw this.#corrupt('the INDEX record', header.position, `the offsets of ${actual.length} frames`, 'other offsets');
  }

  #corrupt(what: string, offset: number, expected: string, found: string): StubferryError {
    return new StubferryError('CORRUPT', `${what} does not match the contents of the file`, {
      where: this.#where,
      offset,
      expected,
      found,
    });
  }
}

/**
 * The state in a statefile as a source. It is checked while it is read, and its end is reported only when the file is
 * complete.
 */
export class StatefileSource implements StateSource {
  readonly reader: StatefileReader;
  readonly #source: StateSource;
  #rest: Uint8Array = new Uint8Array(0);

  /** @param source the source that `reader` reads; {@link close} closes it */
  constructor(reader: StatefileReader, source: StateSource) {
    this.reader = reader;
    this.#source = source;
  }

  async read(into: Uint8Array): Promise<number> {
    while (this.#rest.length === 0) {
      const payload = await this.reader.next();
      if (payload === undefined) return 0;
      this.#rest = payload;
    }
    const count = Math.min(this.#rest.length, into.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
