/** What went wrong at a destination, from an errno. */
import { type ErrorCode, errnoOf, StubferryError } from '../base/errors/index.js';

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'DESTINATION_FULL',
  EDQUOT: 'DESTINATION_FULL',
  EFBIG: 'DESTINATION_FULL',
  EEXIST: 'DESTINATION_EXISTS',
  EPIPE: 'DESTINATION_GONE',
  ECONNRESET: 'DESTINATION_GONE',
  EIO: 'DESTINATION_IO',
};

const HINTS: Partial<Record<ErrorCode, string>> = {
  DESTINATION_FULL: 'make room or choose another destination, then save again',
  DESTINATION_EXISTS: 'choose another name, or allow it to be replaced with --force',
  DESTINATION_GONE: 'the program that read it ended; look at its own messages',
};

/** The error for a destination, from an errno. @param opening whether it was being created or opened */
export function destinationError(path: string, cause: unknown, opening = false): StubferryError {
  const errno = errnoOf(cause) ?? '';
  const code = CODES[errno] ?? (opening ? 'DESTINATION_UNWRITABLE' : 'DESTINATION_IO');
  const message = opening ? 'cannot create or open the destination' : 'cannot write the destination';
  return new StubferryError(code, `${message}: ${errno === '' ? String(cause) : errno}`, {
    where: path,
    found: errno === '' ? undefined : errno,
    hint: HINTS[code],
    cause,
  });
}
