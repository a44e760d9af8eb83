/** What a state is made of, and whether a file holds it. */
import type { Product } from '../world/product.js';
import type { Random } from '../world/random.js';

/** Random bytes that begin and end as a QEMU state does, so that both directions take them. */
export function makeState(random: Random, length: number): Uint8Array {
  const state = random.fill(new Uint8Array(length));
  state.set([0x51, 0x45, 0x56, 0x4d, 0, 0, 0, 3, 4]);
  state[length - 1] = 0;
  return state;
}

export function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}

/** The state that a statefile holds, checked by the product's own reader. @throws StubferryError for one that is damaged */
export async function unpacked(product: Product, file: Uint8Array): Promise<Uint8Array> {
  let rest = file;
  const source = {
    read: async (into: Uint8Array) => {
      const count = Math.min(rest.length, into.length);
      into.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    close: async () => undefined,
  };
  const reader = await product.statefile.StatefileReader.open(source, 'the destination');
  const pieces: Uint8Array[] = [];
  for (let piece = await reader.next(); piece !== undefined; piece = await reader.next())
    pieces.push(Uint8Array.from(piece));
  return new Uint8Array(Buffer.concat(pieces));
}
