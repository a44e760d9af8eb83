/**
 * A limit on waiting that is proof against a clock that jumps.
 *
 * When this process, or the whole machine, was stopped for an hour, "an hour without news" says nothing about the
 * peer. So waiting is counted in looks: the time between two looks counts for one second at most.
 */
import type { Clock } from './clock.js';

/** Milliseconds that one look can add. */
const LONGEST_STEP = 1000;

export class StallTimer {
  readonly #clock: Clock;
  #lastLook: number;
  #waited = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastLook = clock.now();
  }

  /** Something happened: the waiting begins anew. */
  renew(): void {
    this.#lastLook = this.#clock.now();
    this.#waited = 0;
  }

  /** Milliseconds waited since the last {@link renew}, as far as they were seen. */
  look(): number {
    const now = this.#clock.now();
    this.#waited += Math.max(0, Math.min(now - this.#lastLook, LONGEST_STEP));
    this.#lastLook = now;
    return this.#waited;
  }
}
