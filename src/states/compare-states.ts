/** Compares two states byte by byte, whatever holds them. */

import { StubferryError } from '../base/errors/index.js';
import { readFully, type StateSource } from '../formats/state-source.js';
import { openSource } from '../io/index.js';
import { recogniseState } from './recognise-state.js';

const CHUNK = 256 * 1024;

/** The bare bytes of the state in `path`; of an opaque one, the bytes of the file. */
async function bareState(path: string, opaque: boolean): Promise<StateSource> {
  if (opaque) return openSource(path);
  const state = await recogniseState(await openSource(path), path);
  if (state.format === 'transfer-disk')
    throw new StubferryError('NOT_A_STATE', 'this is a transfer disk', { where: path });
  return state.source;
}

/**
 * @returns bytes compared
 * @throws StubferryError REPLAY_DIFFERS naming the first offset at which they differ
 */
export async function assertSameState(
  original: string,
  copy: string,
  options: { readonly opaque: boolean; readonly copyIsBare: boolean },
): Promise<number> {
  const [left, right] = [
    await bareState(original, options.opaque),
    await bareState(copy, options.opaque && options.copyIsBare),
  ];
  try {
    const [a, b] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)];
    for (let offset = 0; ; ) {
      const lengths = [await readFully(left, a), await readFully(right, b)] as const;
      const length = Math.min(...lengths);
      const same = lengths[0] === lengths[1] && a.subarray(0, length).equals(b.subarray(0, length));
      if (!same) throw differs(original, copy, offset + firstDifference(a, b, length));
      offset += length;
      if (length < CHUNK) return offset;
    }
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}

function firstDifference(a: Uint8Array, b: Uint8Array, length: number): number {
  const at = a.subarray(0, length).findIndex((byte, index) => byte !== b[index]);
  return at === -1 ? length : at;
}

function differs(original: string, copy: string, offset: number): StubferryError {
  return new StubferryError('REPLAY_DIFFERS', 'the state did not come out as it went in', {
    where: original,
    offset,
    expected: 'the same bytes',
    found: `other bytes in ${copy}`,
    hint: 'this is a fault in stubferry, or in the storage under the transfer disk: please report it',
  });
}
