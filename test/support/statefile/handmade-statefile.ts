/** Builds statefiles frame by frame, so that a test can make a single field wrong while all checksums are valid. */
import { BLOCK_SIZE, padded, viewOf, writeChecksum } from '../../../src/formats/protocol/block.js';
import {
  chainOver,
  encodeFrameHeader,
  FRAME_TYPES,
  type FrameFields,
  frameLengthFor,
} from '../../../src/formats/protocol/frame.js';
import { encodeBegin, encodeEnd, encodeIndex, encodeTrailer } from '../../../src/formats/protocol/records.js';
import { StateDigest } from '../../../src/formats/protocol/state-digest.js';
import { uuidSeed } from '../../../src/formats/protocol/uuid.js';
import { DataIndex } from '../../../src/formats/statefile/data-index.js';
import { encodeStatefileHeader } from '../../../src/formats/statefile/file-header.js';
import { BEGIN, HEADER } from './written-statefile.js';

const SEED = uuidSeed(HEADER.transferUuid);

/** Changes fields of a header before its checksum is computed. */
export type Change = (view: DataView) => void;

export class HandmadeStatefile {
  readonly #blocks: Uint8Array[] = [encodeStatefileHeader(HEADER)];
  readonly #digest = new StateDigest(true);
  readonly #index = new DataIndex();
  #sequence = 0;
  #chain = 0n;
  /** The offset of the next frame in the file. */
  position = BLOCK_SIZE;

  get bytes(): Uint8Array {
    return Buffer.concat(this.#blocks);
  }

  /** Adds a valid frame, to which `fields` and `change` are applied. */
  frame(
    fields: Pick<FrameFields, 'type'> & Partial<FrameFields>,
    payload: Uint8Array = new Uint8Array(0),
    change?: Change,
  ): this {
    const paddedPayload = new Uint8Array(padded(payload.length));
    paddedPayload.set(payload);
    const chainBefore = this.#chain;
    const chainAfter = chainOver(paddedPayload, chainBefore);
    const numbers = { sequence: this.#sequence, epoch: 0n, position: this.position, streamOffset: 0 };
    const block = new Uint8Array(BLOCK_SIZE);
    const standard = { payloadLength: payload.length, chainBefore, chainAfter, ...numbers };
    encodeFrameHeader(block, { ...standard, ...fields }, SEED);
    change?.(viewOf(block));
    writeChecksum(block, SEED);
    this.#blocks.push(block, paddedPayload);
    if (viewOf(block).getUint16(4, true) === FRAME_TYPES.data) this.#chain = chainAfter;
    this.#sequence += 1;
    this.position += frameLengthFor(payload.length);
    return this;
  }

  begin(record = encodeBegin(BEGIN)): this {
    return this.frame({ type: 'begin', record });
  }

  data(payload: Uint8Array, fields: Partial<FrameFields> = {}, change?: Change): this {
    const streamOffset = this.#digest.bytes;
    this.#index.add({ streamOffset, fileOffset: this.position });
    this.#digest.update(payload);
    return this.frame({ type: 'data', streamOffset, ...fields }, payload, change);
  }

  /** Adds a frame of an unknown type. */
  unknown(flags: number, payload: Uint8Array): this {
    return this.frame({ type: 'data' }, payload, (view) => {
      view.setUint16(4, 99, true);
      view.setUint16(6, flags, true);
    });
  }

  end(change: Partial<ReturnType<StateDigest['end']>> = {}): this {
    const record = encodeEnd({ ...this.#digest.end(this.#chain), ...change });
    return this.frame({ type: 'end', streamOffset: this.#digest.bytes, record });
  }

  index(entries = this.#index.encode(), count = this.#index.entries.length): this {
    return this.frame({ type: 'index', streamOffset: this.#digest.bytes, record: encodeIndex(count) }, entries);
  }

  trailer(endOffset: number, indexOffset: number, fileBytes = this.position + BLOCK_SIZE): this {
    const record = encodeTrailer({ endOffset, indexOffset, fileBytes });
    return this.frame({ type: 'trailer', streamOffset: this.#digest.bytes, record });
  }

  /** Adds a valid END, INDEX and TRAILER. */
  finish(): this {
    const endOffset = this.position;
    this.end();
    const indexOffset = this.position;
    return this.index().trailer(endOffset, indexOffset);
  }
}
