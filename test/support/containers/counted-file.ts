/** Bytes in memory as a file, which counts what is read of it; and sparse files of any length. */
import type { Seekable } from '../../../src/formats/state-source.js';

export class CountedFile implements Seekable {
  readonly #bytes: Uint8Array;
  readonly #most: number;
  /** Bytes that were read. */
  read = 0;
  /** Most bytes that were asked for at once. */
  largestRequest = 0;

  /** @param most bytes that one read gives, as a file system may */
  constructor(bytes: Uint8Array, most = Number.POSITIVE_INFINITY) {
    this.#bytes = bytes;
    this.#most = most;
  }

  async readAt(into: Uint8Array, offset: number): Promise<number> {
    const part = this.#bytes.subarray(offset, offset + Math.min(into.length, this.#most));
    this.largestRequest = Math.max(this.largestRequest, into.length);
    this.read += part.length;
    into.set(part);
    return part.length;
  }

  async size(): Promise<number> {
    return this.#bytes.length;
  }
}
