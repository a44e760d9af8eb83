/**
 * The events that an agent reports to the process that started it. Each event is one line with a JSON document. The
 * agent writes them to a separate descriptor, because standard output may carry the state.
 */
import { writeSync } from 'node:fs';
import type { ErrorReport } from '../base/errors/index.js';
import type { AccessPath, BackingKind } from '../blockdev-utils/index.js';
import type { Phase } from '../formats/protocol/control-block.js';
import type { Direction } from '../formats/protocol/superblock.js';
import type { FileIdentity } from '../io/index.js';
import type { TransferReport } from './transfer-report.js';

/** An event of an agent. */
export type AgentEvent =
  /** The agent has opened its disk and sends heartbeats. It waits for the other side or for the source. */
  | {
      readonly event: 'ready';
      readonly transfer: string;
      readonly direction: Direction;
      readonly access: AccessPath;
    }
  /** dom0 has attached the disk. The stubdom finds it as `device`. */
  | {
      readonly event: 'attached';
      /** Name of the driver. */
      readonly driver: string;
      readonly device: string;
      readonly backing: BackingKind;
    }
  /** The service serves all stubdoms from now on, and commands on the socket `control`. */
  | { readonly event: 'serving'; readonly control: string }
  /** The QMP proxy listens on the socket `proxy` from now on. */
  | { readonly event: 'listening'; readonly proxy: string }
  /** The run state of the guest, when the agent changes or observes it: `stopped`, `running`, ... */
  | { readonly event: 'guest'; readonly status: string }
  /** This side has entered a phase. From `verified` on, the event follows the write of the phase to the disk. */
  | { readonly event: 'phase'; readonly phase: Phase }
  | { readonly event: 'progress'; readonly bytes: number; readonly frames: number }
  /**
   * The receiver is about to rename a verified state to its destination. The event identifies the file, not its name.
   */
  | { readonly event: 'publishing'; readonly file: FileIdentity }
  | { readonly event: 'done'; readonly report: TransferReport }
  | { readonly event: 'failed'; readonly error: ErrorReport };

/** Receives the events of an agent. */
export type OnEvent = (event: AgentEvent) => void;

/** Shortest time between two progress events, in milliseconds. */
const PROGRESS_MS = 100;

/**
 * How long a deferrable event is held back, in milliseconds. A person does not notice that delay, and a small state
 * takes less time than that.
 */
const DEFER_MS = 25;

/** Events that report the progress and on which nothing depends. */
const DEFERRABLE: readonly AgentEvent['event'][] = ['phase', 'progress'];

/**
 * Returns a function that writes events to a descriptor, in order. When the reader has closed the descriptor, the
 * transfer continues without events.
 *
 * A deferrable event is written after a delay, or together with the next event that is not deferrable. A write takes
 * 0.03 to 0.15 ms and wakes the process that started the agent, on a processor that the other agent needs at that
 * moment (0.4 of 7.5 ms, when both agents and that process share two processors).
 */
export function eventWriter(fd: number): OnEvent {
  let deferred = '';
  const flush = (): void => {
    const text = deferred;
    deferred = '';
    if (text === '') return;
    try {
      writeSync(fd, text);
    } catch {
      // The reader has exited. The outcome is still on the disk and in the exit status.
    }
  };
  return (event) => {
    const isDeferrable = DEFERRABLE.includes(event.event);
    if (isDeferrable && deferred === '') setTimeout(flush, DEFER_MS).unref();
    deferred += `${JSON.stringify(event)}\n`;
    if (!isDeferrable) flush();
  };
}

/** Returns a callback that reports the progress as events, at most one each {@link PROGRESS_MS}. */
export function progressEvents(onEvent: OnEvent): (bytes: number, frames: number) => void {
  let last = 0;
  return (bytes, frames) => {
    const now = performance.now();
    if (now - last < PROGRESS_MS) return;
    last = now;
    onEvent({ event: 'progress', bytes, frames });
  };
}
