/** Opens the state that a command reads. */

import { StubferryError } from '../base/errors/index.js';
import { openSource } from '../io/index.js';
import { CheckedSource } from './containers/index.js';
import { type OpenedState, recogniseState } from './recognise-state.js';

/** A state in any format except a transfer disk. */
export type StateToRead = Exclude<OpenedState, { format: 'transfer-disk' }>;

/** The name of the input at `path` in messages. */
export function nameOf(path: string): string {
  return path === '-' ? 'standard input' : path;
}

/**
 * Opens the state in `path`. Its source reports the end only when the state is complete.
 * @throws StubferryError as {@link openAnyState}
 */
export async function openState(path: string): Promise<StateToRead> {
  const state = await openAnyState(path);
  // The source of a statefile contains this check.
  return state.format === 'statefile' ? state : { ...state, source: new CheckedSource(state.source, nameOf(path)) };
}

/**
 * Opens the state in `path` without checking its bytes.
 * @throws StubferryError NOT_A_STATE: when the input contains no state, or is a transfer disk
 * @throws StubferryError: any error of {@link openSource} or {@link recogniseState}
 */
export async function openAnyState(path: string): Promise<StateToRead> {
  const source = await openSource(path);
  try {
    const state = await recogniseState(source, nameOf(path));
    if (state.format !== 'transfer-disk') return state;
    throw new StubferryError('NOT_A_STATE', 'this is a transfer disk, not a state', {
      where: nameOf(path),
      hint: 'show it with: stubferry inspect',
    });
  } catch (error) {
    await source.close();
    throw error;
  }
}
