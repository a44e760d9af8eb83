/** Reads all of a state: its sections, and the digest of its bytes. */
import { createHash } from 'node:crypto';
import type { QevmState } from '../formats/qevm/index.js';
import type { StateSource } from '../formats/state-source.js';
import { CheckedSource } from './containers/index.js';

export interface ReadState {
  readonly state: QevmState;
  readonly sha256: string;
}

const PIECE_BYTES = 1024 * 1024;

/**
 * @param where what is read, for messages
 * @param offset of the state in that
 * @throws StubferryError what is wrong with the state
 */
export async function readSections(source: StateSource, where: string, offset = 0): Promise<ReadState> {
  const checked = source instanceof CheckedSource ? source : new CheckedSource(source, where, offset);
  const hash = createHash('sha256');
  const piece = new Uint8Array(PIECE_BYTES);
  for (let count = await checked.read(piece); count > 0; count = await checked.read(piece)) {
    hash.update(piece.subarray(0, count));
  }
  if (checked.state === undefined) throw new Error('a state without an end');
  return { state: checked.state, sha256: hash.digest('hex') };
}
