/**
 * The poll back-off: how long to sleep before the disk is polled again.
 *
 *     immediately, immediately, 1 ms ... 1 ms for the next 50 polls, then 5 ms
 *     immediately, immediately, until a write notification, or 100 ms   (where the medium notifies: write-watch.ts)
 *
 * While a stream flows, the next frame is available within the first steps. The last step is a compromise between the
 * cost of a waiting agent and its delay for the first frame: measured on a 2-core virtual machine, a poll (a read
 * through libuv's threads and a timer) costs 0.13 ms of CPU. A write notification takes 0.3 to 0.5 ms, where the step
 * of 1 ms took 1.1 to 2.7 ms.
 */
import type { Clock } from '../../base/time/clock.js';
import type { WriteWatch } from './write-watch.js';

const IMMEDIATE_POLLS = 2;
const FAST_POLLS = 50;
/** Sleep between two polls in the last step, in milliseconds. */
const IDLE_STEP = 5;
/** Longest sleep while write notifications are available, in milliseconds. */
const WATCHED_IDLE_STEP = 100;

/** Sleeps between two polls, longer with each poll that found nothing. */
export class PollBackoff {
  readonly #clock: Clock;
  readonly #writes: WriteWatch | undefined;
  #polls = 0;
  /** Write notifications before the last poll: that poll has seen what they announced. */
  #seenWrites = 0;

  /** @param writes write notifications of the polled disk, if it has them */
  constructor(clock: Clock, writes?: WriteWatch) {
    this.#clock = clock;
    this.#writes = writes;
  }

  /** Restarts the back-off: the last poll found something. */
  reset(): void {
    this.#polls = 0;
  }

  /** Sleeps for the next step. */
  async wait(): Promise<void> {
    this.#polls += 1;
    const writes = this.#writes;
    if (this.#polls <= IMMEDIATE_POLLS) await this.#clock.sleep(0);
    else if (writes !== undefined) await this.#untilWritten(writes);
    else await this.#clock.sleep(this.#polls <= IMMEDIATE_POLLS + FAST_POLLS ? 1 : IDLE_STEP);
    this.#seenWrites = writes?.count ?? 0;
  }

  #untilWritten(writes: WriteWatch): Promise<void> {
    if (writes.count !== this.#seenWrites) return this.#clock.sleep(0);
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        unsubscribe();
        resolve();
      };
      const cancel = this.#clock.after(WATCHED_IDLE_STEP, wake);
      const unsubscribe = writes.subscribe(wake);
    });
  }
}
