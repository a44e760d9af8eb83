/** What a transfer tells about itself while it runs, and at its end. */
import type { Phase } from '../formats/protocol/control-block.js';
import type { BeginRecord, EndRecord } from '../formats/protocol/records.js';

/** Milliseconds on the monotone clock of the machine (CLOCK_MONOTONIC), the same for all processes on it. */
export type Instant = number;

/** When things happened, as one side saw them. */
export interface Timings {
  /** The first byte was offered (sender), or the first frame arrived (receiver). */
  readonly firstByte: Instant;
  /** END was written, or verified. */
  readonly end: Instant;
  /** COMMITTED or LOADED was said, or heard. */
  readonly acknowledged: Instant;
}

/** How a transfer ended well. */
export interface TransferSummary {
  readonly begin: BeginRecord;
  readonly end: EndRecord;
  readonly timings: Timings;
}

/** Called for every frame: must be cheap, and must not throw. */
export type OnProgress = (bytes: number, frames: number) => void;

/** Who follows a transfer while it runs. */
export interface TransferCallbacks {
  readonly onProgress?: OnProgress;
  /** Called when this side is in that phase: from `verified` on, when its word is on the disk. Must not throw. */
  readonly onPhase?: (phase: Phase) => void;
}
