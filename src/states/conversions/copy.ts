/** Copies the bytes of a state from a source or a file to an output or into memory. */

import { StubferryError } from '../../base/errors/index.js';
import type { ByteOutput } from '../../formats/byte-output.js';
import { readFully, type Seekable, type StateSource } from '../../formats/state-source.js';
import type { ByteRange } from '../../io/index.js';
import { COPY_BYTES } from './write-whole.js';

/** Copies all of `source` to `output`. Returns the number of copied bytes. */
export async function copyAll(source: StateSource, output: ByteOutput): Promise<number> {
  const buffer = new Uint8Array(COPY_BYTES);
  let bytes = 0;
  for (let count = await source.read(buffer); count > 0; count = await source.read(buffer)) {
    await output.write([buffer.subarray(0, count)]);
    bytes += count;
  }
  return bytes;
}

/**
 * Copies a range of `file` to `output`.
 * @param where the name of the file, for error messages
 * @throws StubferryError TRUNCATED: when the file became shorter during the copy
 */
export async function copyRange(file: Seekable, range: ByteRange, output: ByteOutput, where: string): Promise<void> {
  const buffer = new Uint8Array(Math.min(COPY_BYTES, Math.max(range.length, 1)));
  for (let copied = 0; copied < range.length; ) {
    const wanted = Math.min(buffer.length, range.length - copied);
    const count = await file.readAt(buffer.subarray(0, wanted), range.offset + copied);
    if (count === 0) {
      throw new StubferryError('TRUNCATED', 'the file became shorter while it was read', {
        where,
        offset: range.offset + copied,
        expected: `${range.length - copied} more bytes`,
        found: 'end of file',
      });
    }
    await output.write([buffer.subarray(0, count)]);
    copied += count;
  }
}

/**
 * Reads all of `source` into memory.
 * @param where the name of the input, for error messages
 * @throws StubferryError LIMIT_EXCEEDED: when `source` has more than `limit` bytes
 */
export async function allInMemory(source: StateSource, limit: number, where: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const chunk = new Uint8Array(COPY_BYTES);
    const count = await readFully(source, chunk);
    length += count;
    if (length > limit) {
      throw new StubferryError('LIMIT_EXCEEDED', 'the state is too large to be held in memory', {
        where,
        expected: `at most ${limit} bytes`,
        found: 'more',
      });
    }
    chunks.push(chunk.subarray(0, count));
    if (count < chunk.length) return Buffer.concat(chunks);
  }
}
