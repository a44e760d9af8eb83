/** Time, as the channel sees it. Injected, so that a simulation can own it. */
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds, monotone (CLOCK_MONOTONIC): the same instant is the same number in every process of a machine. */
  now(): number;
  /** Resolves after `ms` milliseconds; for 0, after the events that are already waiting. */
  sleep(ms: number): Promise<void>;
  /** Calls `then` after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, then: () => void): () => void;
  /** Calls `tick` every `ms` milliseconds until the returned function is called. */
  every(ms: number, tick: () => void): () => void;
}

// The first call of either is slow, and would be taken for a difference between the two clocks.
process.hrtime.bigint();
performance.now();
/** From the start of this process, where `performance` begins, to the start of CLOCK_MONOTONIC, which all processes share. */
const sinceBoot = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const systemClock: Clock = {
  now: () => performance.now() + sinceBoot,
  sleep: (ms) => (ms === 0 ? immediate() : delay(ms)),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  every: (ms, tick) => {
    const timer = setInterval(tick, ms);
    return () => clearInterval(timer);
  },
};

/** Waits for `work`, but not longer than `ms`. No timer is left behind. @returns whether it was done by then; an error of it counts as done */
export async function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  let cancel: () => void = () => undefined;
  const late = new Promise<false>((resolve) => {
    cancel = clock.after(ms, () => resolve(false));
  });
  const done = (): true => true;
  const isDone = await Promise.race([work.then(done, done), late]);
  cancel();
  return isDone;
}
