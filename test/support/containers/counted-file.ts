/** A file in memory that counts the bytes that are read from it. */
import type { Seekable } from '../../../src/formats/state-source.js';

export class CountedFile implements Seekable {
  readonly #bytes: Uint8Array;
  readonly #maxRead: number;
  /** The number of bytes that were read. */
  read = 0;
  /** The size of the largest read request, in bytes. */
  largestRequest = 0;

  /** @param maxRead the maximum number of bytes that one read returns: a file system may return fewer than requested */
  constructor(bytes: Uint8Array, maxRead = Number.POSITIVE_INFINITY) {
    this.#bytes = bytes;
    this.#maxRead = maxRead;
  }

  async readAt(into: Uint8Array, offset: number): Promise<number> {
    const chunk = this.#bytes.subarray(offset, offset + Math.min(into.length, this.#maxRead));
    this.largestRequest = Math.max(this.largestRequest, into.length);
    this.read += chunk.length;
    into.set(chunk);
    return chunk.length;
  }

  async size(): Promise<number> {
    return this.#bytes.length;
  }
}
