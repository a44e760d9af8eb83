/** Errors of the reader. Each one states its offset, what was expected and what was found. */
import { type ErrorCode, StubferryError } from '../../base/errors/index.js';

/** The location of a state. */
export interface Location {
  /** The name of the source that contains the state, for messages. */
  readonly where: string;
  /** Offset of the state's first byte in that source. */
  readonly base: number;
}

/**
 * Makes an error of the reader.
 *
 * @param offset where the error is, counted from the start of the state
 */
export function parseError(
  code: ErrorCode,
  message: string,
  location: Location,
  offset: number,
  expected: string,
  found: string,
  hint?: string,
): StubferryError {
  return new StubferryError(code, message, {
    where: location.where,
    offset: location.base + offset,
    expected,
    found,
    hint,
  });
}

/** The byte in the form `0x04`; `the end of the state` for undefined. */
export function hexByte(byte: number | undefined): string {
  return byte === undefined ? 'the end of the state' : `0x${byte.toString(16).padStart(2, '0')}`;
}
