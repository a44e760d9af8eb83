/**
 * The waiting ladder: how long to sleep before looking at the disk again.
 *
 *     at once, at once, 1 ms ... 1 ms for the first 50 looks, then 2 ms, then the idle step
 *
 * A frame of a stream that flows is there within the first steps. The idle step bounds what a waiting agent costs
 * against how late it sees the first frame: measured on a 2-core virtual machine, a look (a read through libuv's
 * threads and a timer) costs 0.13 ms of CPU.
 */
import type { Clock } from './clock.js';

/** Milliseconds; the last step is the idle one. */
const IDLE_STEP = 5;
const AT_ONCE = 2;
const BRISK = 50;

export class Pace {
  readonly #clock: Clock;
  #looks = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something was there: begin again at the foot of the ladder. */
  reset(): void {
    this.#looks = 0;
  }

  /** Sleeps for the next step. */
  wait(): Promise<void> {
    this.#looks += 1;
    return this.#clock.sleep(this.#step());
  }

  #step(): number {
    if (this.#looks <= AT_ONCE) return 0;
    if (this.#looks <= AT_ONCE + BRISK) return 1;
    return this.#looks <= AT_ONCE + 2 * BRISK ? 2 : IDLE_STEP;
  }
}
