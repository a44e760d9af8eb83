/** A source that reads a state from memory. */
import type { Seekable, StateSource } from '../formats/state-source.js';

/** Reads a state from a byte array. */
export class MemorySource implements StateSource, Seekable {
  readonly #bytes: Uint8Array;
  readonly #onClose: () => Promise<void>;
  #offset = 0;

  /** @param onClose closes the input that the bytes were read from */
  constructor(bytes: Uint8Array, onClose: () => Promise<void>) {
    this.#bytes = bytes;
    this.#onClose = onClose;
  }

  readonly seekable: Seekable = this;

  async read(into: Uint8Array): Promise<number> {
    const count = await this.readAt(into, this.#offset);
    this.#offset += count;
    return count;
  }

  async readAt(into: Uint8Array, offset: number): Promise<number> {
    const chunk = this.#bytes.subarray(offset, offset + into.length);
    into.set(chunk);
    return chunk.length;
  }

  async size(): Promise<number> {
    return this.#bytes.length;
  }

  close(): Promise<void> {
    return this.#onClose();
  }
}
