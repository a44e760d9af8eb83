/**
 * What an agent tells whoever started it: one JSON document on a line, on a descriptor of its own, so that standard
 * output stays free for the state.
 */
import { writeSync } from 'node:fs';
import type { ErrorReport } from '../base/errors/index.js';
import type { AccessPath, BackingKind } from '../blockdev-utils/index.js';
import type { Phase } from '../formats/protocol/control-block.js';
import type { Direction } from '../formats/protocol/superblock.js';
import type { FileIdentity } from '../io/index.js';
import type { TransferReport } from './transfer-report.js';

export type AgentEvent =
  /** The agent is on its disk, its heart beats, and it waits for the other side or for the source. */
  | {
      readonly event: 'ready';
      readonly transfer: string;
      readonly direction: Direction;
      readonly access: AccessPath;
    }
  /** Dom0 has given the disk to the stubdom, which finds it there. */
  | {
      readonly event: 'attached';
      /** Name of the driver. */
      readonly driver: string;
      readonly device: string;
      readonly backing: BackingKind;
    }
  /** Dom0's agent serves all stubdoms from now on, and the command line on that socket. */
  | { readonly event: 'serving'; readonly control: string }
  /** The proxy takes toolstacks from now on. */
  | { readonly event: 'listening'; readonly proxy: string }
  /** What the guest does, as far as the agent has to do with it: `stopped`, `running`, ... */
  | { readonly event: 'guest'; readonly status: string }
  /** This side has come to that phase; from `verified` on, its word is on the disk. */
  | { readonly event: 'phase'; readonly phase: Phase }
  | { readonly event: 'progress'; readonly bytes: number; readonly frames: number }
  /** A verified state is about to get its name at the destination: this file, whatever its name will be. */
  | { readonly event: 'publishing'; readonly file: FileIdentity }
  | { readonly event: 'done'; readonly report: TransferReport }
  | { readonly event: 'failed'; readonly error: ErrorReport };

export type OnEvent = (event: AgentEvent) => void;

/** Least time between two progress events, milliseconds. */
const PROGRESS_MS = 100;

/** How long such events as may wait do, milliseconds: what a person does not see, and longer than a small state takes. */
const WAIT_MS = 25;

/** Events that tell how far it is, and on which nothing depends. */
const MAY_WAIT: readonly AgentEvent['event'][] = ['phase', 'progress'];

/**
 * Writes events to a descriptor, in order. When nobody reads it any more, the transfer goes on without.
 *
 * Those that may wait are written a little later, or with the next that may not: writing one takes 0.03 to 0.15 ms, and wakes the
 * starter, on a processor that the other agent needs just then (both agents and their starter on two processors: 0.4 of 7.5 ms).
 */
export function eventWriter(fd: number): OnEvent {
  let waiting = '';
  const flush = (): void => {
    const text = waiting;
    waiting = '';
    if (text === '') return;
    try {
      writeSync(fd, text);
    } catch {
      // The starter is gone; the outcome is on the disk and in the exit status all the same.
    }
  };
  return (event) => {
    const mayWait = MAY_WAIT.includes(event.event);
    if (mayWait && waiting === '') setTimeout(flush, WAIT_MS).unref();
    waiting += `${JSON.stringify(event)}\n`;
    if (!mayWait) flush();
  };
}

/** Progress at a pace that a person can follow. */
export function progressEvents(onEvent: OnEvent): (bytes: number, frames: number) => void {
  let last = 0;
  return (bytes, frames) => {
    const now = performance.now();
    if (now - last < PROGRESS_MS) return;
    last = now;
    onEvent({ event: 'progress', bytes, frames });
  };
}
