/** A source that returns bytes from memory in chunks of chosen sizes, as pipes do. */
import type { StateSource } from '../../../src/formats/state-source.js';

export class ChunkedSource implements StateSource {
  readonly #bytes: Uint8Array;
  readonly #sizes: readonly number[];
  #offset = 0;
  #reads = 0;
  /** The size of the largest read request, in bytes. */
  largestRequest = 0;
  closed = false;

  /** @param sizes the sizes of the chunks, which repeat from the first after the last */
  constructor(bytes: Uint8Array, sizes: readonly number[] = [Number.POSITIVE_INFINITY]) {
    this.#bytes = bytes;
    this.#sizes = sizes;
  }

  async read(into: Uint8Array): Promise<number> {
    const size = this.#sizes[this.#reads % this.#sizes.length] ?? 1;
    this.#reads += 1;
    this.largestRequest = Math.max(this.largestRequest, into.length);
    const chunk = this.#bytes.subarray(this.#offset, this.#offset + Math.min(size, into.length));
    into.set(chunk);
    this.#offset += chunk.length;
    return chunk.length;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
