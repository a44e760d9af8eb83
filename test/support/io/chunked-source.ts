/** A source over bytes in memory that gives them in pieces of chosen sizes, as pipes do. */
import type { StateSource } from '../../../src/formats/state-source.js';

export class ChunkedSource implements StateSource {
  readonly #bytes: Uint8Array;
  readonly #sizes: readonly number[];
  #offset = 0;
  #reads = 0;
  /** Most bytes that were ever asked for at once. */
  largestRequest = 0;
  closed = false;

  /** @param sizes of the pieces, in turn and then again from the first */
  constructor(bytes: Uint8Array, sizes: readonly number[] = [Number.POSITIVE_INFINITY]) {
    this.#bytes = bytes;
    this.#sizes = sizes;
  }

  async read(into: Uint8Array): Promise<number> {
    const size = this.#sizes[this.#reads % this.#sizes.length] ?? 1;
    this.#reads += 1;
    this.largestRequest = Math.max(this.largestRequest, into.length);
    const piece = this.#bytes.subarray(this.#offset, this.#offset + Math.min(size, into.length));
    into.set(piece);
    this.#offset += piece.length;
    return piece.length;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
