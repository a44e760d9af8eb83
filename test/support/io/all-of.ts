/** Everything a source has. */
import type { StateSource } from '../../../src/formats/state-source.js';

/** @param bufferBytes how much is asked for at once */
export async function allOf(source: StateSource, bufferBytes = 65536): Promise<Buffer> {
  const buffer = new Uint8Array(bufferBytes);
  const pieces: Uint8Array[] = [];
  for (;;) {
    const count = await source.read(buffer);
    if (count === 0) return Buffer.concat(pieces);
    pieces.push(Uint8Array.from(buffer.subarray(0, count)));
  }
}
