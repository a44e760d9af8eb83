import { TIMEOUTS } from '../../base/time/timeouts.js';

/**
 * The limits of a transfer, in milliseconds. A transfer as a whole has no limit: it may run for as long as bytes move.
 * Each limit bounds a time in which nothing happens.
 */
export interface Timeouts {
  /** Interval between two heartbeats of this agent. */
  readonly heartbeatMs: number;
  /** How long the peer may send no heartbeat before it counts as dead. */
  readonly deadMs: number;
  /** How long the peer may take to open the disk. */
  readonly absentMs: number;
  /** How long a live peer may move no byte. */
  readonly progressMs: number;
  /** How long the receiver may take to make a verified state durable, or QEMU to load it. */
  readonly commitMs: number;
  /** How long the disk may take for one request. */
  readonly deviceMs: number;
  /**
   * How long a frame that its writer reports as complete may fail its checksum: it may still be a race with this read.
   */
  readonly settleMs: number;
}

/** The limits that an agent uses when the caller sets none. */
export const DEFAULT_TIMEOUTS: Timeouts = {
  heartbeatMs: TIMEOUTS.heartbeat,
  deadMs: TIMEOUTS.peerDead,
  absentMs: TIMEOUTS.peerAbsent,
  progressMs: TIMEOUTS.noProgress,
  commitMs: TIMEOUTS.commit,
  deviceMs: TIMEOUTS.diskRequest,
  settleMs: TIMEOUTS.frameSettle,
};
