/** The reader, fed in one piece and in many; and what of its result can be compared. */
import { QevmReader, type QevmSection, type QevmState, readQevm } from '../../../src/formats/qevm/index.js';

export const read = (bytes: Uint8Array): QevmState => readQevm(bytes, '/state');

/** Feeds the reader with pieces of those sizes, in turn and then again from the first. */
export function readInPieces(bytes: Uint8Array, sizes: readonly number[]): QevmState {
  const reader = new QevmReader('/state');
  // The reader must not rely on what a piece held once `push` has returned.
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    const piece = Uint8Array.from(bytes.subarray(at, at + size));
    reader.push(piece);
    piece.fill(0xa5);
    at += size;
  }
  return reader.finish();
}

/** `id name instance version`, as the manifests have it: one for each section, not for each part of it. */
export function listed(sections: readonly QevmSection[]): string[] {
  return sections
    .filter(({ type }) => type === 'full' || type === 'start')
    .map(({ id, name, instance, version }) => `${id} ${name} ${instance} ${version}`);
}

/** Everything in a state but its functions. */
export function plain({ bodyOf: _, ...state }: QevmState): unknown {
  return state;
}
