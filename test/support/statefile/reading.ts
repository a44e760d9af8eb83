/** Reads statefiles to their end, as a restore does. */

import type { StateSource } from '../../../src/formats/state-source.js';
import { StatefileReader, StatefileSource } from '../../../src/formats/statefile/index.js';
import { recogniseState } from '../../../src/states/recognise-state.js';
import { allOf } from '../io/all-of.js';
import { ChunkedSource } from '../io/chunked-source.js';

export const WHERE = '/var/lib/xen/state';

/**
 * Returns the state in `file`, and the reader that has read the whole file.
 *
 * @param sizes of the chunks that the source returns
 */
export async function readBack(
  file: Uint8Array,
  sizes?: readonly number[],
): Promise<{ state: Buffer; reader: StatefileReader }> {
  const source = new ChunkedSource(file, sizes);
  const reader = await StatefileReader.open(source, WHERE);
  return { state: await allOf(new StatefileSource(reader, source)), reader };
}

/** Returns the state in `source`, whose format is recognised by its content. */
export async function readAnything(source: StateSource): Promise<Buffer> {
  const opened = await recogniseState(source, WHERE);
  if (opened.format === 'transfer-disk') throw new Error('a transfer disk');
  return allOf(opened.source);
}
