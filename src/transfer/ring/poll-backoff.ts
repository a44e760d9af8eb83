/**
 * The waiting ladder: how long to sleep before looking at the disk again.
 *
 *     at once, at once, 1 ms ... 1 ms for the next 50 looks, then 5 ms
 *     at once, at once, until somebody writes, or 100 ms            (where the medium can tell: see write-watch.ts)
 *
 * A frame of a stream that flows is there within the first steps. The last step bounds what a waiting agent costs against
 * how late it sees the first frame: measured on a 2-core virtual machine, a look (a read through libuv's threads and a
 * timer) costs 0.13 ms of CPU. Being told of a write takes 0.3 to 0.5 ms, where the step of 1 ms took 1.1 to 2.7.
 */
import type { Clock } from '../../base/time/clock.js';
import type { WriteWatch } from './write-watch.js';

const AT_ONCE = 2;
const BRISK = 50;
/** Milliseconds. */
const IDLE_STEP = 5;
const WATCHED_IDLE_STEP = 100;

export class PollBackoff {
  readonly #clock: Clock;
  readonly #writes: WriteWatch | undefined;
  #looks = 0;
  /** Writes that were told before the last look: what they wrote is seen. */
  #seen = 0;

  /** @param writes of what is looked at, where it tells of them */
  constructor(clock: Clock, writes?: WriteWatch) {
    this.#clock = clock;
    this.#writes = writes;
  }

  /** Something was there: back to the foot of the ladder. */
  reset(): void {
    this.#looks = 0;
  }

  /** Sleeps for the next step. */
  async wait(): Promise<void> {
    this.#looks += 1;
    const writes = this.#writes;
    if (this.#looks <= AT_ONCE) await this.#clock.sleep(0);
    else if (writes !== undefined) await this.#untilWritten(writes);
    else await this.#clock.sleep(this.#looks <= AT_ONCE + BRISK ? 1 : IDLE_STEP);
    this.#seen = writes?.count ?? 0;
  }

  #untilWritten(writes: WriteWatch): Promise<void> {
    if (writes.count !== this.#seen) return this.#clock.sleep(0);
    return new Promise((resolve) => {
      const awake = (): void => {
        cancel();
        forget();
        resolve();
      };
      const cancel = this.#clock.after(WATCHED_IDLE_STEP, awake);
      const forget = writes.tell(awake);
    });
  }
}
