/** Opens the state that a command is to read. */

import { StubferryError } from '../base/errors/index.js';
import { openSource } from '../io/index.js';
import { CheckedSource } from './containers/index.js';
import { type OpenedState, recogniseState } from './recognise-state.js';

export type StateToRead = Exclude<OpenedState, { format: 'transfer-disk' }>;

/** What an input is called in messages. */
export function nameOf(path: string): string {
  return path === '-' ? 'standard input' : path;
}

/** The state in `path`, with a source that ends only when the state is whole. @throws StubferryError as {@link openAnyState} */
export async function openState(path: string): Promise<StateToRead> {
  const state = await openAnyState(path);
  // A statefile is that by itself.
  return state.format === 'statefile' ? state : { ...state, source: new CheckedSource(state.source, nameOf(path)) };
}

/**
 * The state in `path`, whose bytes nobody looks at.
 * @throws StubferryError NOT_A_STATE for a transfer disk too, and whatever the state or its container is refused for
 */
export async function openAnyState(path: string): Promise<StateToRead> {
  const source = await openSource(path);
  try {
    const state = await recogniseState(source, nameOf(path));
    if (state.format !== 'transfer-disk') return state;
    throw new StubferryError('NOT_A_STATE', 'this is a transfer disk, not a state', {
      where: nameOf(path),
      hint: 'look at it with: stubferry inspect',
    });
  } catch (error) {
    await source.close();
    throw error;
  }
}
