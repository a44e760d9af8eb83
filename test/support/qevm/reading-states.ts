/** Reads states in one chunk or in many, and makes the results comparable. */
import { QevmReader, type QevmSection, type QevmState, readQevm } from '../../../src/formats/qevm/index.js';

export const read = (bytes: Uint8Array): QevmState => readQevm(bytes, '/state');

/** Supplies the reader with chunks of these sizes, in turn and repeatedly. */
export function readInChunks(bytes: Uint8Array, sizes: readonly number[]): QevmState {
  const reader = new QevmReader('/state');
  // The reader must not use the bytes of a chunk after `push` has returned.
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    const chunk = Uint8Array.from(bytes.subarray(at, at + size));
    reader.push(chunk);
    chunk.fill(0xa5);
    at += size;
  }
  return reader.finish();
}

/** Lists full and start sections, but no part and end sections, as the manifests do: `id name instance version`. */
export function listed(sections: readonly QevmSection[]): string[] {
  return sections
    .filter(({ type }) => type === 'full' || type === 'start')
    .map(({ id, name, instance, version }) => `${id} ${name} ${instance} ${version}`);
}

/** Returns everything in a state but its functions. */
export function plain({ bodyOf: _, ...state }: QevmState): unknown {
  return state;
}
