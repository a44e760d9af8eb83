/** What a reader makes of bytes: its result, the states that it passed, or the typed error. */
import { StubferryError } from '../../../src/base/errors/index.js';
import { Cursor, type PullParser, parseBytes } from '../../../src/formats/pull-parser/index.js';

export const WHERE = '/var/lib/xen/guest.save';

export interface Parsed<T> {
  readonly result: T;
  readonly states: readonly Uint8Array[];
}

/** @throws StubferryError */
export function walked<T>(bytes: Uint8Array, reader: (cursor: Cursor) => PullParser<T>): Parsed<T> {
  const states: Uint8Array[] = [];
  const result = parseBytes(bytes, reader(new Cursor(WHERE)), (state) => states.push(state));
  return { result, states };
}

/** The typed error that a reader throws; anything else fails the test. */
export function refusalOf(bytes: Uint8Array, reader: (cursor: Cursor) => PullParser<unknown>): StubferryError {
  try {
    walked(bytes, reader);
  } catch (error) {
    if (error instanceof StubferryError) return error;
    throw error;
  }
  throw new Error('expected an error, and there was none');
}
