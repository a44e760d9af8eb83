/**
 * Reads a statefile from its first byte to its last, from anything that can be read forwards. The end is reached only
 * when the file is whole: END agrees with what came, INDEX and TRAILER with where it stood, and nothing follows.
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

export class StatefileReader {
  readonly header: StatefileHeader;
  readonly begin: BeginRecord;
  readonly #walk: FrameReader;
  readonly #where: string;
  readonly #digest: StateDigest;
  readonly #index = new DataIndex();
  #end: EndRecord | undefined;
  #fileBytes = 0;

  private constructor(header: StatefileHeader, begin: BeginRecord, walk: FrameReader, where: string) {
    this.header = header;
    this.begin = begin;
    this.#walk = walk;
    this.#where = where;
    this.#digest = new StateDigest(begin.sha256);
  }

  /** Reads up to BEGIN. @throws StubferryError NOT_A_STATE, TRUNCATED, CORRUPT, UNSUPPORTED_VERSION, ... */
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
    const walk = new FrameReader(source, where, uuidSeed(header.transferUuid));
    const { header: first } = await walk.next();
    const begin = located(where, first.position, () => decodeBegin(first.record));
    return new StatefileReader(header, begin, walk, where);
  }

  /** What END says; undefined until the whole file was read and checked. */
  get end(): EndRecord | undefined {
    return this.#end;
  }

  /** Bytes of the state, and data frames, so far. */
  get progress(): { readonly bytes: number; readonly frames: number } {
    return { bytes: this.#digest.bytes, frames: this.#digest.frames };
  }

  /** Bytes of the file; 0 until the whole of it was read and checked. */
  get fileBytes(): number {
    return this.#fileBytes;
  }

  /** The payload of the next DATA frame, valid until the next call; undefined when the file was whole. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#end !== undefined) return undefined;
    const { header, type, paddedPayload } = await this.#walk.next();
    if (type === 'data') {
      if (header.streamOffset !== this.#digest.bytes) {
        throw this.#corrupt(
          'stream offset of a frame',
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
    const index = await this.#walk.next();
    this.#checkIndex(index);
    const indexOffset = index.header.position;
    const { header } = await this.#walk.next();
    const trailer = located(this.#where, header.position, () => decodeTrailer(header.record));
    const fileBytes = header.position + header.frameLength;
    const agrees =
      trailer.endOffset === endOffset && trailer.indexOffset === indexOffset && trailer.fileBytes === fileBytes;
    if (!agrees) {
      const text = (end: number, at: number, bytes: number): string => `END at ${end}, INDEX at ${at}, ${bytes} bytes`;
      const found = text(trailer.endOffset, trailer.indexOffset, trailer.fileBytes);
      throw this.#corrupt('TRAILER', header.position, text(endOffset, indexOffset, fileBytes), found);
    }
    await this.#walk.expectEndOfFile();
    this.#fileBytes = fileBytes;
  }

  #checkIndex({ header, paddedPayload }: ReadFrame): void {
    const count = located(this.#where, header.position, () => decodeIndex(header.record));
    const entries = decodeIndexEntries(paddedPayload.subarray(0, header.payloadLength), count);
    const walked = this.#index.entries;
    const same = entries?.every((entry, place) => {
      return entry.streamOffset === walked[place]?.streamOffset && entry.fileOffset === walked[place]?.fileOffset;
    });
    if (same === true && entries?.length === walked.length) return;
    throw this.#corrupt('INDEX', header.position, `the places of ${walked.length} frames`, 'others');
  }

  #corrupt(what: string, offset: number, expected: string, found: string): StubferryError {
    return new StubferryError('CORRUPT', `${what} is not what the file holds`, {
      where: this.#where,
      offset,
      expected,
      found,
    });
  }
}

/** The state in a statefile as a source: checked while it is read, and ending only when the file was whole. */
export class StatefileSource implements StateSource {
  readonly reader: StatefileReader;
  readonly #source: StateSource;
  #rest: Uint8Array = new Uint8Array(0);

  /** @param source what `reader` reads from; closed with this */
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
