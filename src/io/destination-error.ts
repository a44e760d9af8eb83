/** Maps errnos to the errors of a destination. */
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
  DESTINATION_EXISTS: 'choose another name, or allow the replacement with --force',
  DESTINATION_GONE: 'the reading program ended; see its messages',
};

/**
 * The error for a failed operation on a destination. The errno of `cause` determines the error code.
 * @param opening whether the destination was being created or opened; otherwise it was being written
 */
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
