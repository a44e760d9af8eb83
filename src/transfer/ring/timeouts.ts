/**
 * The deadlines of a transfer, in milliseconds. There is none for a transfer as a whole: it may take as long as it
 * moves. Each of these bounds a time in which nothing happens.
 */
export interface Timeouts {
  /** Between two heartbeats of ours. */
  readonly heartbeatMs: number;
  /** Without a heartbeat of the peer: it is dead. */
  readonly deadMs: number;
  /** For the peer to come at all. */
  readonly absentMs: number;
  /** Alive, but no byte moves. */
  readonly progressMs: number;
  /** For the receiver to make a verified state durable (or QEMU to load it). */
  readonly commitMs: number;
  /** For the disk to answer one request. */
  readonly deviceMs: number;
  /** A frame that its writer says is complete does not check: so long it may be a race with our read. */
  readonly settleMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  heartbeatMs: 250,
  deadMs: 5_000,
  absentMs: 30_000,
  progressMs: 30_000,
  commitMs: 300_000,
  deviceMs: 15_000,
  settleMs: 1_000,
};
