/**
 * Yields to the event loop in a flow that never has to wait.
 *
 * Reads and writes in memory complete synchronously. A sender and a receiver of equal speed would therefore never
 * return control to the event loop, and their heartbeats, timers and signal handlers would not run.
 */
import type { Clock } from './clock.js';

/**
 * The longest time without a yield, in milliseconds. It is much shorter than the interval between two heartbeats and
 * much longer than the transfer of a small state.
 */
const MAX_BUSY_MS = 25;

/** Yields to the event loop at most every 25 ms. */
export class EventLoopYield {
  readonly #clock: Clock;
  #last: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = clock.now();
  }

  /** Yields to the event loop if the last yield was 25 ms ago or more. */
  async ifDue(): Promise<void> {
    if (this.#clock.now() - this.#last < MAX_BUSY_MS) return;
    await this.#clock.sleep(0);
    this.#last = this.#clock.now();
  }
}
