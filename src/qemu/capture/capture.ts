/**
 * The capture of the state of a running QEMU.
 *
 *     device state:      xen-save-devices-state --FIFO--------> agent    (guest stopped, no RAM)
 *     migration stream:  migrate unix:PATH      --unix socket-> agent    (guest runs until the end of its RAM is sent)
 *
 * The agent prepares a capture ahead, so that it creates no FIFO or socket while the guest is stopped.
 */
import type { StateSource } from '../../formats/state-source.js';

/** A prepared capture. */
export interface Capture {
  /** Sends the command to QEMU and returns the source of the state. */
  begin(): Promise<StateSource>;
  /** Makes QEMU finish or cancel, if it still writes, and removes the FIFO or socket. */
  close(): Promise<void>;
}

/** Options of a capture. */
export interface CaptureOptions {
  /** The directory in which a directory for the FIFO or socket is created. */
  readonly parent: string;
  /** How long QEMU may go without writing a byte, in milliseconds. */
  readonly stallMs: number;
}
