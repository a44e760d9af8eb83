/** Runs xl. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf, printable } from '../../base/errors/index.js';

/** Options of {@link RunXl}. */
export interface XlOptions {
  /** Time after which xl is killed, in milliseconds. */
  readonly withinMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs xl with arguments.
 * @throws Error with the output of xl; the reason of an abort
 */
export type RunXl = (args: readonly string[], options: XlOptions) => Promise<void>;

const OUTPUT_MAX = 64 * 1024;

/** Runs the `xl` of the PATH. */
export const runXl: RunXl = async (args, { withinMs, signal }) => {
  const limits = { timeout: withinMs, killSignal: 'SIGKILL', maxBuffer: OUTPUT_MAX } as const;
  try {
    await promisify(execFile)('xl', [...args], signal === undefined ? limits : { ...limits, signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Error(lastOutputOf(cause), { cause });
  }
};

/** The last lines of stderr: libxl prints the reason before the operation that failed. */
function lastOutputOf(cause: unknown): string {
  const stderr = typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr).trim() : '';
  return printable(stderr === '' ? messageOf(cause) : stderr.split('\n').slice(-3).join('; '), 400);
}
