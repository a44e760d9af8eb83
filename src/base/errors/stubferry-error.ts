/**
 * The error class that all of stubferry throws. The code decides the exit status and the error number that the peer
 * receives. The details are for people: what is affected and where, what was expected, what was found, what to do.
 */
import { ERROR_CODES, type ErrorCode } from './error-codes.js';

/** What a {@link StubferryError} can contain in addition to its message. */
export interface ErrorDetails {
  /** The file, domain or device that the error is about. */
  readonly where?: string | undefined;
  /** Byte offset within `where`. */
  readonly offset?: number | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** What the user can do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The JSON form of an error, in `--json` output and in the events of an agent. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly status: number;
  readonly message: string;
  readonly where?: string;
  readonly offset?: number;
  readonly expected?: string;
  readonly found?: string;
  readonly hint?: string;
}

/** An error with a code of {@link ERROR_CODES}. */
export class StubferryError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'StubferryError';
    this.code = code;
    this.details = details;
  }

  /** The exit status of a command that fails with this error. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  /** Returns a plain object for JSON, without the keys that have no value. */
  report(): ErrorReport {
    const { where, offset, expected, found, hint } = this.details;
    return {
      code: this.code,
      status: this.status,
      message: this.message,
      ...(where === undefined ? {} : { where }),
      ...(offset === undefined ? {} : { offset }),
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      ...(hint === undefined ? {} : { hint }),
    };
  }

  /** Returns the same error with `where` and `offset` added, unless its details contain them already. */
  at(where: string, offset?: number): StubferryError {
    return new StubferryError(this.code, this.message, { where, offset, ...definedOnly(this.details) });
  }

  /** Recreates an error from the report of another process. */
  static fromReport(report: ErrorReport): StubferryError {
    const { code, message, ...details } = report;
    return new StubferryError(code, message, details);
  }

  /** Returns `cause` if it is a StubferryError, and otherwise an INTERNAL error that wraps it. */
  static from(cause: unknown): StubferryError {
    if (cause instanceof StubferryError) return cause;
    return new StubferryError('INTERNAL', messageOf(cause), {
      cause,
      hint: 'please report this, with the output of the same command and --log-level debug',
    });
  }
}

function definedOnly(details: ErrorDetails): ErrorDetails {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined));
}

/** Runs `work`. A StubferryError that it throws gets `where` and `offset`, unless its details contain them already. */
export function located<T>(where: string, offset: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof StubferryError ? error.at(where, offset) : error;
  }
}

/** Returns the message of an error, or the value itself as a string if it has no message. */
export function messageOf(error: unknown): string {
  const hasMessage = typeof error === 'object' && error !== null && 'message' in error;
  return hasMessage && typeof error.message === 'string' ? error.message : String(error);
}

/** Returns the errno name (`ENOSPC`, ...) of a Node system error, or undefined for other values. */
export function errnoOf(error: unknown): string | undefined {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : undefined;
}
