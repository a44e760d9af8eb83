export { ERROR_CODES, type ErrorCode, errorCodeNamed, errorCodeOf } from './error-codes.js';
export { printable } from './printable.js';
export { type ErrorDetails, type ErrorReport, errnoOf, located, messageOf, StubferryError } from './stubferry-error.js';
