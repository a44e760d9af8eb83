/** Errors of the reader: each with its place, what was expected and what was found. */
import { type ErrorCode, StubferryError } from '../../base/errors/index.js';

/** Where a state is: its name, and where its first byte is within that. */
export interface Location {
  readonly where: string;
  readonly base: number;
}

/** @param offset from the state's first byte */
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

/** A byte as `0x04`. */
export function hexByte(byte: number | undefined): string {
  return byte === undefined ? 'the end of the state' : `0x${byte.toString(16).padStart(2, '0')}`;
}
