/** Runs a pull parser over bytes in memory. */
import { StubferryError } from '../../../src/base/errors/index.js';
import { Cursor, type PullParser, parseBytes } from '../../../src/formats/pull-parser/index.js';

export const WHERE = '/var/lib/xen/guest.save';

/** The result of a parser, and the bytes of its `state` requests. */
export interface Parsed<T> {
  readonly result: T;
  readonly states: readonly Uint8Array[];
}

/** Runs a parser. @throws StubferryError as the parser does */
export function parsed<T>(bytes: Uint8Array, parser: (cursor: Cursor) => PullParser<T>): Parsed<T> {
  const states: Uint8Array[] = [];
  const result = parseBytes(bytes, parser(new Cursor(WHERE)), (state) => states.push(state));
  return { result, states };
}

/** Returns the StubferryError that a parser throws. Any other outcome fails the test. */
export function refusalOf(bytes: Uint8Array, parser: (cursor: Cursor) => PullParser<unknown>): StubferryError {
  try {
    parsed(bytes, parser);
  } catch (error) {
    if (error instanceof StubferryError) return error;
    throw error;
  }
  throw new Error('expected an error, but there was none');
}
