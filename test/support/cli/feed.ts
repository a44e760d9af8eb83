/** States of any length, made while they are fed to a process. */
import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from './seeded-random.js';

const MIB = 1024 * 1024;

/** A state that is cheap to make: random bytes in pieces of 1 MiB, each different from all others. */
export class PatternState {
  readonly length: number;
  readonly #pattern: Buffer;
  readonly #piece: number;

  /** @param piece most bytes of a chunk, at most 1 MiB */
  constructor(length: number, seed = 1, piece = MIB) {
    this.length = length;
    this.#pattern = new SeededRandom(seed).bytes(MIB);
    this.#piece = piece;
  }

  *chunks(): Generator<Buffer> {
    for (let offset = 0; offset < this.length; offset += this.#piece) {
      const chunk = Buffer.from(this.#pattern.subarray(0, Math.min(this.#piece, this.length - offset)));
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

export interface FeedOptions {
  /** Between two chunks. */
  readonly pauseMs?: number;
  /** Called after each chunk with the count of chunks so far. */
  readonly onChunk?: (count: number) => void;
  /** Leave the stream open behind the last chunk. */
  readonly keepOpen?: boolean;
}

/** Writes the chunks, as fast as they are taken. When the reader goes away, so does this. */
export async function feed(
  into: Writable | null,
  chunks: Iterable<Uint8Array>,
  { pauseMs = 0, onChunk, keepOpen = false }: FeedOptions = {},
): Promise<void> {
  if (into === null) throw new Error('nothing to feed: start it with a pipe');
  let gone = false;
  into.on('error', () => {
    gone = true;
  });
  let count = 0;
  for (const chunk of chunks) {
    if (gone || into.destroyed) return;
    await new Promise<void>((resolve) => into.write(chunk, () => resolve()));
    count += 1;
    onChunk?.(count);
    if (pauseMs > 0) await delay(pauseMs);
  }
  if (!keepOpen) into.end();
}
