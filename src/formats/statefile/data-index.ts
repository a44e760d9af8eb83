/**
 * The index of a statefile: where data frames are, for readers that seek.
 *
 *     pairs of u64, little-endian: stream offset of the frame's first byte, offset of the frame in the file
 *
 * It never holds more than 4096 entries (64 KiB): when it is full, every second one goes, and from then on only every
 * second frame that would have been entered is. So any state, however long, has an index of bounded size, and from an
 * entry it is a bounded number of frames to any byte.
 */
import { readCount, viewOf, writeCount } from '../protocol/block.js';
import { LIMITS } from '../protocol/limits.js';

const ENTRY_BYTES = 16;

/** Offsets in bytes. */
export interface IndexEntry {
  readonly streamOffset: number;
  readonly fileOffset: number;
}

/** Collects entries while frames are written or read. */
export class DataIndex {
  #entries: IndexEntry[] = [];
  #stride = 1;
  #frames = 0;

  add(entry: IndexEntry): void {
    const due = this.#frames % this.#stride === 0;
    this.#frames += 1;
    if (!due) return;
    if (this.#entries.length === LIMITS.indexEntries) {
      this.#entries = this.#entries.filter((_, position) => position % 2 === 0);
      this.#stride *= 2;
    }
    this.#entries.push(entry);
  }

  get entries(): readonly IndexEntry[] {
    return this.#entries;
  }

  /** The payload of the INDEX frame. */
  encode(): Uint8Array {
    const bytes = new Uint8Array(this.#entries.length * ENTRY_BYTES);
    const view = viewOf(bytes);
    for (const [position, { streamOffset, fileOffset }] of this.#entries.entries()) {
      writeCount(view, position * ENTRY_BYTES, streamOffset);
      writeCount(view, position * ENTRY_BYTES + 8, fileOffset);
    }
    return bytes;
  }
}

/** The entries in the payload of an INDEX frame; undefined when they are not `count` whole, rising entries. */
export function decodeIndexEntries(payload: Uint8Array, count: number): IndexEntry[] | undefined {
  if (payload.length !== count * ENTRY_BYTES) return undefined;
  const view = viewOf(payload);
  const entries: IndexEntry[] = [];
  for (let position = 0; position < count; position += 1) {
    const streamOffset = readCount(view, position * ENTRY_BYTES);
    const fileOffset = readCount(view, position * ENTRY_BYTES + 8);
    const last = entries.at(-1);
    if (streamOffset === undefined || fileOffset === undefined) return undefined;
    if (last !== undefined && (streamOffset <= last.streamOffset || fileOffset <= last.fileOffset)) return undefined;
    entries.push({ streamOffset, fileOffset });
  }
  return entries;
}
