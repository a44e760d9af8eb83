/**
 * Runs a pull parser over a file by offset, so that it never reads the memory pages of a guest.
 *
 * It reads a window of 16 KiB at the offset of the parser. The window holds the header of a PAGE_DATA record and the
 * 1024 page frame numbers that Xen puts into one record. A save file of 10 GiB has about 2600 such records, so 40 MiB
 * of the file are read.
 */
import type { PullParser, ReadRequest, ReadResult } from '../../formats/pull-parser/index.js';
import type { Seekable } from '../../formats/state-source.js';

const WINDOW_BYTES = 16 * 1024;
const NONE = new Uint8Array(0);

/**
 * Runs `parser` over `file` from its first byte.
 * @returns the result of the parser
 * @throws StubferryError: any error of the parser or the file
 */
export async function parseFile<T>(file: Seekable, parser: PullParser<T>): Promise<T> {
  const cursor = new FileCursor(file, await file.size());
  let step = parser.next({ passed: 0, bytes: NONE });
  while (step.done !== true) step = parser.next(await cursor.result(step.value));
  return step.value;
}

class FileCursor {
  readonly #file: Seekable;
  readonly #size: number;
  readonly #buffer = new Uint8Array(WINDOW_BYTES);
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

  /** Reads `length` bytes at the offset of the parser. It returns fewer only when the file became shorter. */
  async #bytes(length: number): Promise<Uint8Array> {
    if (length > WINDOW_BYTES) return this.#read(new Uint8Array(length));
    const start = this.#offset - this.#windowOffset;
    if (start < 0 || start + length > this.#window.length) {
      this.#window = await this.#read(this.#buffer);
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
