/** A source of which the first bytes were already looked at. */
import type { StateSource } from '../transfer/index.js';

export class PeekedSource implements StateSource {
  readonly #source: StateSource;
  #front: Uint8Array;

  /** @param front bytes taken from `source` before, which come first */
  constructor(front: Uint8Array, source: StateSource) {
    this.#front = front;
    this.#source = source;
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
