/**
 * The index of a statefile contains the positions of data frames, for readers that can seek.
 *
 *     pairs of u64, little-endian: stream offset of the first byte of the frame, offset of the frame in the file
 *
 * The index has at most 4096 entries (64 KiB). When it is full, every second entry is removed, and from then on only
 * every second frame is entered that would have been entered before. The index of a state of any length therefore has a
 * bounded size, and the number of frames from an entry to any byte after it is bounded too.
 */
import { readCount, viewOf, writeCount } from '../protocol/block.js';
import { LIMITS } from '../protocol/limits.js';

const ENTRY_BYTES = 16;

/** An entry of the index. Offsets are in bytes. */
export interface IndexEntry {
  readonly streamOffset: number;
  readonly fileOffset: number;
}

/** Collects the entries of the index while frames are written or read. */
export class DataIndex {
  #entries: IndexEntry[] = [];
  #stride = 1;
  #frames = 0;

  /** Adds the entry of the next data frame, or skips it when the index already had to be thinned out. */
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

  /** Encodes the payload of the INDEX frame. */
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

/**
 * Decodes the payload of an INDEX frame.
 *
 * @returns undefined unless the payload consists of exactly `count` entries in ascending order
 */
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
