/** Reads all bytes of a source. */
import type { StateSource } from '../../../src/formats/state-source.js';

/** @param bufferBytes the size of each read request, in bytes */
export async function allOf(source: StateSource, bufferBytes = 65536): Promise<Buffer> {
  const buffer = new Uint8Array(bufferBytes);
  const chunks: Uint8Array[] = [];
  for (;;) {
    const count = await source.read(buffer);
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(Uint8Array.from(buffer.subarray(0, count)));
  }
}
