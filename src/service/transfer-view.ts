/** A transfer as it is told of: in `stubferry transfers`, in events, in metrics. */

import type { ErrorReport } from '../base/errors/index.js';
import type { Direction } from '../formats/protocol/superblock.js';

/**
 * Where a transfer of the service stands.
 *
 *     save:     (prepared) -> requested -> attached -> ready -> receiving -> verified -> committed -> detached
 *     restore:                requested -> attached -> ready -> streaming -> sent     -> loaded    -> detached
 *     both:     any -> failed -> detached
 */
export const SERVICE_PHASES = [
  'prepared',
  'requested',
  'attached',
  'ready',
  'receiving',
  'streaming',
  'verified',
  'sent',
  'committed',
  'loaded',
  'failed',
  'detached',
] as const;

export type ServicePhase = (typeof SERVICE_PHASES)[number];

export interface TransferView {
  readonly transfer: string;
  readonly direction: Direction;
  readonly target: number;
  readonly targetUuid: string;
  readonly stubdom: number;
  readonly phase: ServicePhase;
  /** Bytes of the state so far. */
  readonly bytes: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** When each phase was reached, milliseconds after the start. */
  readonly timings: Readonly<Partial<Record<ServicePhase, number>>>;
  /** Of the whole state, hexadecimal, once it is acknowledged. */
  readonly sha256?: string;
  readonly error?: ErrorReport;
}

/** How it ended; undefined while it runs. */
export function outcomeOf({ error, timings }: TransferView): 'ok' | 'failed' | undefined {
  if (error !== undefined) return 'failed';
  return timings.committed !== undefined || timings.loaded !== undefined ? 'ok' : undefined;
}
