import { TIMEOUTS } from '../../base/time/timeouts.js';

/** The limits for attaching and detaching a vbd. */
export interface VbdTimes {
  /** How long both ends may take to connect, in milliseconds. */
  readonly connectMs: number;
  /** How long the stubdom may take to release the disk before it is removed, in milliseconds. */
  readonly closeMs: number;
}

/** The limits of the service. */
export const VBD_TIMES: VbdTimes = { connectMs: TIMEOUTS.vbdConnect, closeMs: TIMEOUTS.vbdClose };
