/** What a transfer reports about itself while it runs and when it ends. */
import type { Phase } from '../formats/protocol/control-block.js';
import type { BeginRecord, EndRecord } from '../formats/protocol/records.js';

/** Milliseconds on the monotonic clock of the machine (CLOCK_MONOTONIC), which is the same for all its processes. */
export type Instant = number;

/** When the steps of a transfer happened, as observed by one side. */
export interface Timings {
  /** When the first byte was available (sender), or the first frame arrived (receiver). */
  readonly firstByte: Instant;
  /** When END was written (sender) or verified (receiver). */
  readonly end: Instant;
  /** When COMMITTED or LOADED was published (receiver) or received (sender). */
  readonly acknowledged: Instant;
}

/** The result of a successful transfer. */
export interface TransferSummary {
  readonly begin: BeginRecord;
  readonly end: EndRecord;
  readonly timings: Timings;
}

/** Called for every frame with the bytes and frames so far. It must be fast and must not throw. */
export type OnProgress = (bytes: number, frames: number) => void;

/** Callbacks for the progress of a running transfer. */
export interface TransferCallbacks {
  readonly onProgress?: OnProgress;
  /** Called when this side enters a phase; from `verified` on, after the phase is on the disk. Must not throw. */
  readonly onPhase?: (phase: Phase) => void;
}
