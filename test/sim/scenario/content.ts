/** Makes states, and reads them from files. */
import type { BeginRecord } from '../../../src/formats/protocol/records.js';
import type { Product } from '../world/product.js';
import type { Random } from '../world/random.js';

/** The start of a QEMU state, version 3, with one full section: id 1, name `sim`, instance 0, version 1. */
const FRONT = Buffer.concat([
  Buffer.from('QEVM'),
  Buffer.from([0, 0, 0, 3, 4, 0, 0, 0, 1, 3]),
  Buffer.from('sim'),
  Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]),
]);

/** The minimum length of {@link makeState}, in bytes: the start and the end mark. */
export const LEAST_STATE = FRONT.length + 1;

/** Makes a QEMU state of one section with a random body. Both directions accept it. */
export function makeState(random: Random, length: number): Uint8Array {
  const state = random.fill(new Uint8Array(length));
  state.set(FRONT);
  state[length - 1] = 0;
  return state;
}

export function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}

/** The contents of a statefile: the state, and its BEGIN record. */
interface Unpacked {
  readonly begin: BeginRecord;
  readonly state: Uint8Array;
}

/** Reads and verifies a statefile with the product's own reader. @throws StubferryError when it is damaged */
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
