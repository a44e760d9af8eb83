/** A transfer of the service, as `stubferry transfers`, events and metrics report it. */

import type { ErrorReport } from '../base/errors/index.js';
import type { Transitions } from '../base/phase-machine.js';
import type { Direction } from '../formats/protocol/superblock.js';

/**
 * The phases of a transfer of the service.
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

/** The phase of a transfer of the service. */
export type ServicePhase = (typeof SERVICE_PHASES)[number];

/**
 * The allowed transitions between the phases. A stubdom agent that holds a pre-attached disk can start without a
 * request.
 */
export const SERVICE_TRANSITIONS: Transitions<ServicePhase> = {
  prepared: ['requested', 'attached', 'failed'],
  requested: ['attached', 'ready', 'receiving', 'streaming', 'failed'],
  attached: ['requested', 'ready', 'failed'],
  ready: ['requested', 'receiving', 'streaming', 'failed'],
  receiving: ['receiving', 'verified', 'failed'],
  streaming: ['sent', 'failed'],
  verified: ['committed', 'failed'],
  sent: ['loaded', 'failed'],
  committed: ['detached', 'failed'],
  loaded: ['detached', 'failed'],
  failed: ['detached'],
  detached: [],
};

/** The reported state of a transfer. Clients of the control socket receive it as JSON. */
export interface TransferView {
  /** The UUID of the transfer. */
  readonly transfer: string;
  readonly direction: Direction;
  /** The domain id of the target. */
  readonly target: number;
  readonly targetUuid: string;
  /** The domain id of the stubdom. */
  readonly stubdom: number;
  readonly phase: ServicePhase;
  /** The number of bytes of the state so far. */
  readonly bytes: number;
  /** The start of the transfer, in ISO 8601. */
  readonly startedAt: string;
  /** The time at which each phase was reached, in milliseconds after the start. */
  readonly timings: Readonly<Partial<Record<ServicePhase, number>>>;
  /** The SHA-256 of the whole state in hexadecimal, after the state was acknowledged. */
  readonly sha256?: string;
  /** The reason why the transfer failed. */
  readonly error?: ErrorReport;
}

/** The outcome of the transfer; undefined while it is active. */
export function outcomeOf({ error, timings }: TransferView): 'ok' | 'failed' | undefined {
  if (error !== undefined) return 'failed';
  return timings.committed !== undefined || timings.loaded !== undefined ? 'ok' : undefined;
}
