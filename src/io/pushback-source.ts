/** A source of which the first bytes were already looked at. */
import type { Seekable, StateSource } from '../formats/state-source.js';

export class PushbackSource implements StateSource {
  readonly #source: StateSource;
  #front: Uint8Array;

  /** @param front bytes taken from `source` before, which come first */
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

/** What is taken if it is there at once: what a pipe holds, so that a small state stays in one piece. */
const PEEK_BYTES = 64 * 1024;

/** Looks at the first bytes of `source`: `enough` of them, or as many as there are. */
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
