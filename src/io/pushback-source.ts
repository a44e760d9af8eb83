/** A source whose first bytes were read to recognise its format and are then read again. */
import type { Seekable, StateSource } from '../formats/state-source.js';

/** Returns bytes that were read before, then the rest of the source. */
export class PushbackSource implements StateSource {
  readonly #source: StateSource;
  #front: Uint8Array;

  /** @param front the bytes that were already read from `source` */
  constructor(front: Uint8Array, source: StateSource) {
    this.#front = front;
    this.#source = source;
  }

  get seekable(): Seekable | undefined {
    return this.#source.seekable;
  }

  async read(into: Uint8Array): Promise<number> {
    if (this.#front.length === 0) return this.#source.read(into);
    const count = Math.min(this.#front.length, into.length);
    into.set(this.#front.subarray(0, count));
    this.#front = this.#front.subarray(count);
    return count;
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}

/** The size of the first read. It is the capacity of a pipe, so that a small state arrives in a single chunk. */
const PEEK_BYTES = 64 * 1024;

/**
 * Reads at least `enough` of the first bytes of `source`, or all bytes if there are fewer.
 * @returns the bytes, and a source that returns them again before the rest
 */
export async function peekFront(
  source: StateSource,
  enough: number,
): Promise<{ front: Uint8Array; source: StateSource }> {
  const buffer = new Uint8Array(PEEK_BYTES);
  let length = 0;
  while (length < enough) {
    const count = await source.read(buffer.subarray(length));
    if (count === 0) break;
    length += count;
  }
  const front = buffer.subarray(0, length);
  return { front, source: new PushbackSource(front, source) };
}
