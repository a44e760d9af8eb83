/** States of any length, generated while they are written to a process. */
import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from './seeded-random.js';

const MIB = 1024 * 1024;

/** A state that is cheap to generate: random bytes in chunks of up to 1 MiB, each different from all others. */
export class PatternState {
  readonly length: number;
  readonly #pattern: Buffer;
  readonly #chunkBytes: number;

  /** @param length in bytes. @param chunkBytes maximum size of a chunk, up to 1 MiB */
  constructor(length: number, seed = 1, chunkBytes = MIB) {
    this.length = length;
    this.#pattern = new SeededRandom(seed).bytes(MIB);
    this.#chunkBytes = chunkBytes;
  }

  *chunks(): Generator<Buffer> {
    for (let offset = 0; offset < this.length; offset += this.#chunkBytes) {
      const chunk = Buffer.from(this.#pattern.subarray(0, Math.min(this.#chunkBytes, this.length - offset)));
      if (chunk.length >= 8) chunk.writeDoubleLE(offset);
      yield chunk;
    }
  }

  bytes(): Buffer {
    return Buffer.concat([...this.chunks()]);
  }

  sha256(): string {
    const hash = createHash('sha256');
    for (const chunk of this.chunks()) hash.update(chunk);
    return hash.digest('hex');
  }
}

/** How {@link feed} writes. */
export interface FeedOptions {
  /** Pause between two chunks, in milliseconds. */
  readonly pauseMs?: number;
  /** Called after each chunk with the number of chunks written so far. */
  readonly onChunk?: (count: number) => void;
  /** Leave the stream open after the last chunk. */
  readonly keepOpen?: boolean;
}

/** Writes the chunks as fast as the reader takes them. Returns early when the reader closes the stream. */
export async function feed(
  into: Writable | null,
  chunks: Iterable<Uint8Array>,
  { pauseMs = 0, onChunk, keepOpen = false }: FeedOptions = {},
): Promise<void> {
  if (into === null) throw new Error('no standard input: start the process with a pipe');
  let closed = false;
  into.on('error', () => {
    closed = true;
  });
  let count = 0;
  for (const chunk of chunks) {
    if (closed || into.destroyed) return;
    await new Promise<void>((resolve) => into.write(chunk, () => resolve()));
    count += 1;
    onChunk?.(count);
    if (pauseMs > 0) await delay(pauseMs);
  }
  if (!keepOpen) into.end();
}
