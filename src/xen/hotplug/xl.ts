/** Runs xl. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf, printable } from '../../base/errors/index.js';

export interface XlOptions {
  /** After this it is killed, milliseconds. */
  readonly withinMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** @throws Error with what xl said; the reason of an abort */
export type RunXl = (args: readonly string[], options: XlOptions) => Promise<void>;

const OUTPUT_MAX = 64 * 1024;

export const runXl: RunXl = async (args, { withinMs, signal }) => {
  const limits = { timeout: withinMs, killSignal: 'SIGKILL', maxBuffer: OUTPUT_MAX } as const;
  try {
    await promisify(execFile)('xl', [...args], signal === undefined ? limits : { ...limits, signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Error(saidBy(cause), { cause });
  }
};

/** The last of it: libxl tells the reason before it tells what it could not do for it. */
function saidBy(cause: unknown): string {
  const stderr = typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr).trim() : '';
  return printable(stderr === '' ? messageOf(cause) : stderr.split('\n').slice(-3).join('; '), 400);
}
