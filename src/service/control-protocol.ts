/**
 * What the command line says to dom0's agent, over a unix socket that only root can open (0600): one JSON document on a line each way;
 * one request a connection. `follow` is answered by a line for each change, until the client hangs up.
 *
 *     {"command": "status"}                          {"ok": {...}}
 *     {"command": "abort", "transfer": "UUID"}       {"error": {"code": "NO_SUCH_TRANSFER", ...}}
 */
import * as z from 'zod/mini';
import type { ErrorReport } from '../base/errors/index.js';
import { isUuid } from '../formats/protocol/uuid.js';
import type { Orphan } from './orphans.js';
import type { TransferView } from './transfer-view.js';

/** Bytes of a request. */
export const LONGEST_REQUEST = 4096;

export const controlRequest = z.discriminatedUnion('command', [
  z.object({ command: z.literal('status') }),
  z.object({ command: z.literal('transfers') }),
  z.object({ command: z.literal('follow') }),
  z.object({ command: z.literal('abort'), transfer: z.string().check(z.refine(isUuid)) }),
  z.object({ command: z.literal('gc'), dryRun: z.boolean() }),
  z.object({ command: z.literal('prepare'), target: z.int().check(z.gte(1), z.lte(0x7ff0)) }),
]);

export type ControlRequest = z.infer<typeof controlRequest>;

export interface ServiceStatus {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly driver: string;
  readonly transferDir: string;
  readonly stateDir: string;
  readonly xenstore: string;
  readonly underWay: number;
  /** Who is told of each change. */
  readonly followers: number;
  readonly mostTransfers: number;
}

/** What each command is answered with. */
export interface ControlReplies {
  readonly status: ServiceStatus;
  readonly transfers: readonly TransferView[];
  readonly follow: TransferView;
  readonly abort: TransferView;
  readonly gc: { readonly removed: readonly Orphan[]; readonly kept: readonly Orphan[] };
  readonly prepare: TransferView;
}

export type ControlReply<T> = { readonly ok: T } | { readonly error: ErrorReport };
