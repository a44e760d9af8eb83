/** What a state is made of, and whether a file holds it. */
import type { BeginRecord } from '../../../src/formats/protocol/records.js';
import type { Product } from '../world/product.js';
import type { Random } from '../world/random.js';

/** The front of a QEMU state, version 3, with one full section: id 1, name `sim`, instance 0, version 1. */
const FRONT = Buffer.concat([
  Buffer.from('QEVM'),
  Buffer.from([0, 0, 0, 3, 4, 0, 0, 0, 1, 3]),
  Buffer.from('sim'),
  Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]),
]);

/** The least that {@link makeState} makes: the front, and the end mark. */
export const LEAST_STATE = FRONT.length + 1;

/** A QEMU state of one section whose body is random, so that both directions take it. */
export function makeState(random: Random, length: number): Uint8Array {
  const state = random.fill(new Uint8Array(length));
  state.set(FRONT);
  state[length - 1] = 0;
  return state;
}

export function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}

/** What a statefile holds, and what it says of it. */
interface Unpacked {
  readonly begin: BeginRecord;
  readonly state: Uint8Array;
}

/** Read and checked by the product's own reader. @throws StubferryError for one that is damaged */
export async function unpacked(product: Product, file: Uint8Array): Promise<Unpacked> {
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
  return { begin: reader.begin, state: new Uint8Array(Buffer.concat(pieces)) };
}
