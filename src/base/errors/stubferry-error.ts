/**
 * The one error class. A code decides the exit status and what the peer is told; the other fields hold what a
 * person needs, in the order in which they ask: what and where, what was expected, what was found, what to do.
 */
import { ERROR_CODES, type ErrorCode } from './error-codes.js';

/** What a {@link StubferryError} can say beside its message. */
export interface ErrorDetails {
  /** The file, domain or device. */
  readonly where?: string | undefined;
  /** Byte offset within `where`. */
  readonly offset?: number | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** What the user can do. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The JSON shape of an error: in `--json` output and in the events of an agent. */
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

export class StubferryError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'StubferryError';
    this.code = code;
    this.details = details;
  }

  /** Exit status of a command that fails with this error. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  /** A plain object for JSON; keys without a value are left out. */
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

  /** The same error with its place, where it does not name one yet. */
  at(where: string, offset?: number): StubferryError {
    return new StubferryError(this.code, this.message, { where, offset, ...definedOnly(this.details) });
  }

  /** The error again, from what another process reported. */
  static fromReport(report: ErrorReport): StubferryError {
    const { code, message, ...details } = report;
    return new StubferryError(code, message, details);
  }

  /** `cause` itself when it is already ours, else wrapped as INTERNAL. */
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

/** Runs `work`; an error of ours from it gets its place, where it names none. */
export function located<T>(where: string, offset: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof StubferryError ? error.at(where, offset) : error;
  }
}

/** What an error of any kind says. */
export function messageOf(error: unknown): string {
  const hasMessage = typeof error === 'object' && error !== null && 'message' in error;
  return hasMessage && typeof error.message === 'string' ? error.message : String(error);
}

/** The errno name (`ENOSPC`, ...) of an error of Node's, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : undefined;
}
