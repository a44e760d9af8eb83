/** How the main function of a process ended, as the simulator observes it from outside. */
import type { ErrorReport } from '../../../src/base/errors/index.js';

export type Outcome =
  | { readonly how: 'running' }
  | { readonly how: 'killed' }
  | { readonly how: 'done' }
  | { readonly how: 'failed'; readonly error: ErrorReport | { readonly code: string; readonly message: string } };

export interface Incarnation {
  readonly name: string;
  readonly side: 'dom0' | 'stubdom';
  /** The purpose of its start. */
  readonly task: 'transfer' | 'recover';
  /** Whether its control block was ever on the transfer disk. */
  met: boolean;
  outcome: Outcome;
}

export function failure(error: unknown): Outcome {
  if (typeof error === 'object' && error !== null && 'report' in error && typeof error.report === 'function')
    return { how: 'failed', error: error.report() };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { how: 'failed', error: { code: 'NOT OURS', message } };
}
