/** An output to memory that records its calls. */
import type { ByteOutput } from '../../../src/formats/byte-output.js';

export class MemoryOutput implements ByteOutput {
  readonly #chunks: Uint8Array[] = [];
  /** The calls of `commit` and `discard`, in their order. */
  readonly calls: ('commit' | 'discard')[] = [];

  /** All bytes written so far. */
  get bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) this.#chunks.push(Uint8Array.from(chunk));
  }

  async commit(): Promise<void> {
    this.calls.push('commit');
  }

  async discard(): Promise<boolean> {
    this.calls.push('discard');
    return !this.calls.includes('commit');
  }
}
