/**
 * The protocol between the command line and the stubferry service, over a unix socket that only root can open (0600).
 * A request and its reply are one line each, with one JSON document. A connection carries one request. The reply to
 * `follow` is a line for each change, until the client disconnects.
 *
 *     {"command": "status"}                          {"ok": {...}}
 *     {"command": "abort", "transfer": "UUID"}       {"error": {"code": "NO_SUCH_TRANSFER", ...}}
 */
import * as z from 'zod/mini';
import type { ErrorReport } from '../base/errors/index.js';
import { isUuid } from '../formats/protocol/uuid.js';
import type { Orphan } from './orphans.js';
import type { TransferView } from './transfer-view.js';

/** The maximum length of a request, in bytes. */
export const MAX_REQUEST_BYTES = 4096;

/** The schema of a request. */
export const controlRequest = z.discriminatedUnion('command', [
  z.object({ command: z.literal('status') }),
  z.object({ command: z.literal('transfers') }),
  z.object({ command: z.literal('follow') }),
  z.object({ command: z.literal('abort'), transfer: z.string().check(z.refine(isUuid)) }),
  z.object({ command: z.literal('gc'), dryRun: z.boolean() }),
  z.object({ command: z.literal('prepare'), target: z.int().check(z.gte(1), z.lte(0x7ff0)) }),
]);

/** A request to the stubferry service. */
export type ControlRequest = z.infer<typeof controlRequest>;

/** The status of the stubferry service. */
export interface ServiceStatus {
  readonly version: string;
  readonly pid: number;
  /** The start of the service, in ISO 8601. */
  readonly startedAt: string;
  /** The name of the hotplug driver. */
  readonly driver: string;
  readonly transferDir: string;
  readonly stateDir: string;
  /** The path of xenstored's socket or device. */
  readonly xenstore: string;
  /** The number of active transfers. */
  readonly underWay: number;
  /** The number of clients that receive each change of a transfer. */
  readonly followers: number;
  /** The maximum number of active transfers. */
  readonly mostTransfers: number;
}

/** The content of the reply to each command. */
export interface ControlReplies {
  readonly status: ServiceStatus;
  readonly transfers: readonly TransferView[];
  readonly follow: TransferView;
  readonly abort: TransferView;
  readonly gc: { readonly removed: readonly Orphan[]; readonly kept: readonly Orphan[] };
  readonly prepare: TransferView;
}

/** A reply: the content, or the error with which the request failed. */
export type ControlReply<T> = { readonly ok: T } | { readonly error: ErrorReport };
