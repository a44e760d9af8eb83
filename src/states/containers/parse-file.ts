/**
 * Drives a reader over a file: by position, so that pages of a guest's memory are never read.
 *
 * A window of 16 KiB is read where the reader stands: it holds the header of a PAGE_DATA record and the 1024 page frames
 * that Xen puts into one. A save file of 10 GiB has some 2600 of them, of which 40 MiB are read.
 */
import type { PullParser, ReadRequest, ReadResult } from '../../formats/pull-parser/index.js';
import type { Seekable } from '../../formats/state-source.js';

const WINDOW_BYTES = 16 * 1024;
const NONE = new Uint8Array(0);

/** @returns what the reader returns. @throws StubferryError whatever the reader or the file throws */
export async function parseFile<T>(file: Seekable, parser: PullParser<T>): Promise<T> {
  const cursor = new FileCursor(file, await file.size());
  let step = parser.next({ passed: 0, bytes: NONE });
  while (step.done !== true) step = parser.next(await cursor.result(step.value));
  return step.value;
}

class FileCursor {
  readonly #file: Seekable;
  readonly #size: number;
  readonly #room = new Uint8Array(WINDOW_BYTES);
  #window: Uint8Array = NONE;
  #windowOffset = 0;
  #offset = 0;

  constructor(file: Seekable, size: number) {
    this.#file = file;
    this.#size = size;
  }

  async result({ kind, length }: ReadRequest): Promise<ReadResult> {
    const passed = Math.min(length, this.#size - this.#offset);
    const bytes = kind === 'take' ? await this.#bytes(passed) : NONE;
    const result = { passed: kind === 'take' ? bytes.length : passed, bytes };
    this.#offset += result.passed;
    return result;
  }

  /** Fewer than `length` only when the file became shorter. */
  async #bytes(length: number): Promise<Uint8Array> {
    if (length > WINDOW_BYTES) return this.#read(new Uint8Array(length));
    const start = this.#offset - this.#windowOffset;
    if (start < 0 || start + length > this.#window.length) {
      this.#window = await this.#read(this.#room);
      this.#windowOffset = this.#offset;
      return this.#window.subarray(0, length);
    }
    return this.#window.subarray(start, start + length);
  }

  async #read(into: Uint8Array): Promise<Uint8Array> {
    let filled = 0;
    while (filled < into.length) {
      const count = await this.#file.readAt(into.subarray(filled), this.#offset + filled);
      if (count === 0) break;
      filled += count;
    }
    return into.subarray(0, filled);
  }
}
