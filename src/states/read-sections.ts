/** Reads a whole state, and determines its sections and the digest of its bytes. */
import { createHash } from 'node:crypto';
import type { QevmState } from '../formats/qevm/index.js';
import type { StateSource } from '../formats/state-source.js';
import { CheckedSource } from './containers/index.js';

/** The result of {@link readSections}. */
export interface ReadState {
  readonly state: QevmState;
  /** The SHA-256 digest of the bytes of the state, in hexadecimal. */
  readonly sha256: string;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Reads and checks the state in `source`.
 * @param where the name of the input, for error messages
 * @param offset the offset of the state in its container, for error messages
 * @throws StubferryError: the error of a state that is damaged or truncated
 */
export async function readSections(source: StateSource, where: string, offset = 0): Promise<ReadState> {
  const checked = source instanceof CheckedSource ? source : new CheckedSource(source, where, offset);
  const hash = createHash('sha256');
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let count = await checked.read(chunk); count > 0; count = await checked.read(chunk)) {
    hash.update(chunk.subarray(0, count));
  }
  if (checked.state === undefined) throw new Error('a state without an end');
  return { state: checked.state, sha256: hash.digest('hex') };
}
