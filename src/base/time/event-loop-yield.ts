/**
 * Lets the event loop turn in a flow that never has to wait.
 *
 * What is only memory is read and written at once, so a sender and a receiver that keep pace with each other would go on without ever
 * letting go of the thread, on which their heartbeats, their timers and the signals wait.
 */
import type { Clock } from './clock.js';

/** Longest time without a turn, milliseconds: much less than between two heartbeats, much more than a small state takes. */
const LONGEST_MS = 25;

export class EventLoopYield {
  readonly #clock: Clock;
  #last: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = clock.now();
  }

  /** Waits for a turn of the loop when the last one that was seen here is too long ago. */
  async ifDue(): Promise<void> {
    if (this.#clock.now() - this.#last < LONGEST_MS) return;
    await this.#clock.sleep(0);
    this.#last = this.#clock.now();
  }
}
