/** A source that reads a state from a byte range of a file. */
import { StubferryError } from '../base/errors/index.js';
import type { Seekable, StateSource } from '../formats/state-source.js';

/** A range of bytes in a file. Both values are in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Reads a byte range of a file. */
export class RangeSource implements StateSource, Seekable {
  readonly #file: Seekable;
  readonly #range: ByteRange;
  readonly #where: string;
  readonly #onClose: () => Promise<void>;
  #position = 0;

  /**
   * @param range a range within the file
   * @param where the name of the file, for error messages
   * @param onClose closes the file
   */
  constructor(file: Seekable, range: ByteRange, where: string, onClose: () => Promise<void>) {
    this.#file = file;
    this.#range = range;
    this.#where = where;
    this.#onClose = onClose;
  }

  readonly seekable: Seekable = this;

  async read(into: Uint8Array): Promise<number> {
    const count = await this.readAt(into, this.#position);
    this.#position += count;
    return count;
  }

  /** @throws StubferryError TRUNCATED: when the file became shorter during the reading */
  async readAt(into: Uint8Array, offset: number): Promise<number> {
    const wanted = Math.min(into.length, this.#range.length - offset);
    if (wanted <= 0) return 0;
    const count = await this.#file.readAt(into.subarray(0, wanted), this.#range.offset + offset);
    if (count > 0) return count;
    throw new StubferryError('TRUNCATED', 'the file became shorter while it was read', {
      where: this.#where,
      offset: this.#range.offset + offset,
      expected: `${this.#range.length - offset} more bytes`,
      found: 'end of file',
    });
  }

  async size(): Promise<number> {
    return this.#range.length;
  }

  close(): Promise<void> {
    return this.#onClose();
  }
}
