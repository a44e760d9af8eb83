/**
 * Measures how long something stalls, without an error from clock jumps.
 *
 * When this process or the whole machine was stopped for an hour, an hour without progress says nothing about the peer.
 * The timer therefore counts at most one second between two calls of {@link StallTimer.look}.
 */
import type { Clock } from './clock.js';

/** How much one call of {@link StallTimer.look} can add, in milliseconds. */
const MAX_STEP_MS = 1000;

/** Accumulates the time without progress. */
export class StallTimer {
  readonly #clock: Clock;
  #lastLook: number;
  #waited = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastLook = clock.now();
  }

  /** Resets the timer, because there was progress. */
  renew(): void {
    this.#lastLook = this.#clock.now();
    this.#waited = 0;
  }

  /** Returns the milliseconds without progress since the last {@link renew}. It must be called regularly. */
  look(): number {
    const now = this.#clock.now();
    this.#waited += Math.max(0, Math.min(now - this.#lastLook, MAX_STEP_MS));
    this.#lastLook = now;
    return this.#waited;
  }
}
