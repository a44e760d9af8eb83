/** Bytes in memory as the source of a state. */
import type { Seekable, StateSource } from '../formats/state-source.js';

export class MemorySource implements StateSource, Seekable {
  readonly #bytes: Uint8Array;
  readonly #onClose: () => Promise<void>;
  #offset = 0;

  /** @param onClose lets go of what the bytes came from */
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
    const part = this.#bytes.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  }

  async size(): Promise<number> {
    return this.#bytes.length;
  }

  close(): Promise<void> {
    return this.#onClose();
  }
}
