/**
 * The waiting ladder: how long to sleep before looking at the disk again.
 *
 *     at once, at once, 1 ms ... 1 ms for the next 50 looks, then 5 ms
 *     at once, at once, until somebody writes, or 100 ms            (where the medium can tell: a file both agents share)
 *
 * A frame of a stream that flows is there within the first steps. The last step bounds what a waiting agent costs against
 * how late it sees the first frame: measured on a 2-core virtual machine, a look (a read through libuv's threads and a
 * timer) costs 0.13 ms of CPU. Being told of a write takes 0.3 to 0.5 ms, where the step of 1 ms took 1.1 to 2.7.
 */
import type { BlockDevice } from '../blockdev-utils/index.js';
import type { Clock } from './clock.js';

const AT_ONCE = 2;
const BRISK = 50;
/** Milliseconds. */
const IDLE_STEP = 5;
const WATCHED_IDLE_STEP = 100;

export class Pace {
  readonly #clock: Clock;
  readonly #device: BlockDevice | undefined;
  #looks = 0;
  #stopWatching: (() => void) | undefined;
  #written = false;
  #wake: () => void = () => undefined;

  /** @param device what is looked at, if it may tell of writes */
  constructor(clock: Clock, device?: BlockDevice) {
    this.#clock = clock;
    this.#device = device;
  }

  /** Something was there: back to the foot of the ladder. */
  reset(): void {
    this.#looks = 0;
  }

  /** Nothing is awaited any more. */
  close(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  /** Sleeps for the next step. */
  wait(): Promise<void> {
    this.#looks += 1;
    if (this.#looks <= AT_ONCE) return this.#clock.sleep(0);
    if (this.#device?.watch !== undefined) return this.#untilWritten(this.#device);
    return this.#clock.sleep(this.#looks <= AT_ONCE + BRISK ? 1 : IDLE_STEP);
  }

  #untilWritten(device: BlockDevice): Promise<void> {
    if (this.#stopWatching === undefined) {
      this.#stopWatching = device.watch?.(() => {
        this.#written = true;
        this.#wake();
      });
      // What was written before the watch began is not told: look once more.
      return this.#clock.sleep(0);
    }
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#written ? 0 : WATCHED_IDLE_STEP, resolve);
      this.#written = false;
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
