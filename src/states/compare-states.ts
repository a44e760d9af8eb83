/** Compares two states byte by byte, in any of the supported formats. */

import { StubferryError } from '../base/errors/index.js';
import { readFully, type StateSource } from '../formats/state-source.js';
import { openSource } from '../io/index.js';
import { recogniseState } from './recognise-state.js';

const CHUNK = 256 * 1024;

/** Opens the bare bytes of the state in `path`, or the bytes of the file itself for an opaque state. */
async function bareState(path: string, opaque: boolean): Promise<StateSource> {
  if (opaque) return openSource(path);
  const state = await recogniseState(await openSource(path), path);
  if (state.format === 'transfer-disk')
    throw new StubferryError('NOT_A_STATE', 'this is a transfer disk, not a state', { where: path });
  return state.source;
}

/**
 * Checks that `copy` holds the same state as `original`.
 * @param options `opaque`: compares the bytes of `original` without recognising its format; `copyIsBare`: `copy` holds
 * the bare bytes as well, otherwise the format of `copy` is recognised
 * @returns the number of compared bytes
 * @throws StubferryError REPLAY_DIFFERS: when the states differ; it names the first different offset
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
  const difference = a.subarray(0, length).findIndex((byte, index) => byte !== b[index]);
  return difference === -1 ? length : difference;
}

function differs(original: string, copy: string, offset: number): StubferryError {
  return new StubferryError('REPLAY_DIFFERS', 'the replayed state differs from the original', {
    where: original,
    offset,
    expected: 'the same bytes',
    found: `other bytes in ${copy}`,
    hint: 'this is a fault of stubferry or of the storage of the transfer disk: please report it',
  });
}
