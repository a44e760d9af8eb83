/** The sink with which the receiver of a transfer writes a statefile. The layout is described in file-header.ts. */

import type { ByteOutput, OpenOutput } from '../byte-output.js';
import { BLOCK_SIZE, padded } from '../protocol/block.js';
import { chainOver, encodeFrameHeader, type FrameFields, frameLengthFor } from '../protocol/frame.js';
import {
  type BeginRecord,
  type EndRecord,
  encodeBegin,
  encodeEnd,
  encodeIndex,
  encodeTrailer,
} from '../protocol/records.js';
import { uuidSeed } from '../protocol/uuid.js';
import type { DataFrame, StateSink } from '../state-sink.js';
import { DataIndex } from './data-index.js';
import { encodeStatefileHeader, type StatefileHeader } from './file-header.js';

type Frame = Omit<FrameFields, 'sequence' | 'epoch' | 'position'>;

/** Writes a state as a statefile into a {@link ByteOutput}. */
export class StatefileSink implements StateSink {
  readonly #open: OpenOutput;
  readonly #header: Uint8Array;
  readonly #seed: bigint;
  readonly #dataHeader = new Uint8Array(BLOCK_SIZE);
  #opening: Promise<ByteOutput> | undefined;
  #output: ByteOutput | undefined;
  #index = new DataIndex();
  #position = 0;
  #sequence = 0;

  constructor(open: OpenOutput, header: StatefileHeader) {
    this.#open = open;
    this.#header = encodeStatefileHeader(header);
    this.#seed = uuidSeed(header.transferUuid);
  }

  async begin(begin: BeginRecord): Promise<void> {
    this.#opening = this.#open();
    this.#output = await this.#opening;
    this.#index = new DataIndex();
    this.#position = BLOCK_SIZE;
    this.#sequence = 0;
    const record = this.#frame({
      type: 'begin',
      streamOffset: 0,
      chainBefore: 0n,
      chainAfter: 0n,
      record: encodeBegin(begin),
    });
    await this.#output.write([this.#header, record]);
  }

  async data({ payload, paddedPayload, streamOffset, chainBefore, chainAfter }: DataFrame): Promise<void> {
    this.#index.add({ streamOffset, fileOffset: this.#position });
    const fields: Frame = {
      type: 'data',
      payloadLength: payload.length,
      streamOffset,
      chainBefore,
      chainAfter,
    };
    await this.#output?.write([this.#frame(fields, this.#dataHeader), paddedPayload]);
  }

  async commit(end: EndRecord): Promise<void> {
    const location = { streamOffset: end.stateBytes, chainBefore: end.chain, chainAfter: end.chain };
    const endOffset = this.#position;
    const endFrame = this.#frame({ type: 'end', ...location, record: encodeEnd(end) });

    const indexOffset = this.#position;
    const entries = this.#index.encode();
    const payload = new Uint8Array(padded(entries.length));
    payload.set(entries);
    const chainAfter = chainOver(payload, end.chain);
    const indexFrame = this.#frame({
      type: 'index',
      payloadLength: entries.length,
      ...location,
      chainAfter,
      record: encodeIndex(this.#index.entries.length),
    });

    const trailer = { endOffset, indexOffset, fileBytes: this.#position + BLOCK_SIZE };
    const trailerFrame = this.#frame({
      type: 'trailer',
      ...location,
      record: encodeTrailer(trailer),
    });
    await this.#output?.write([endFrame, indexFrame, payload, trailerFrame]);
    await this.#output?.commit();
  }

  async discard(): Promise<boolean> {
    // An output that is still being opened would otherwise leave its file behind.
    const output = await this.#opening?.catch(() => undefined);
    return (await output?.discard()) ?? true;
  }

  /** Encodes the header block of the next frame and advances the file position past that frame. */
  #frame(fields: Frame, block: Uint8Array = new Uint8Array(BLOCK_SIZE)): Uint8Array {
    encodeFrameHeader(block, { ...fields, sequence: this.#sequence, epoch: 0n, position: this.#position }, this.#seed);
    this.#sequence += 1;
    this.#position += frameLengthFor(fields.payloadLength ?? 0);
    return block;
  }
}
