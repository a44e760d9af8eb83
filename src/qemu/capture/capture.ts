/**
 * Takes the state out of a running QEMU.
 *
 *     device state:      xen-save-devices-state --FIFO--------> agent      (guest stopped, no RAM)
 *     migration stream:  migrate unix:PATH      --unix socket-> agent      (guest runs until the last of its RAM is sent)
 *
 * A capture is prepared ahead, so that nothing is left to be made while the guest stands still.
 */
import type { StateSource } from '../../formats/state-source.js';

export interface Capture {
  /** Asks QEMU; what it writes can be read from then on. */
  begin(): Promise<StateSource>;
  /** Has QEMU come to its end, if it has not, and removes what was made. */
  close(): Promise<void>;
}

export interface CaptureOptions {
  /** Where a folder for the FIFO or socket is made. */
  readonly parent: string;
  /** How long QEMU may write nothing, milliseconds. */
  readonly stallMs: number;
}
