/** The source of time for all timers and limits. It is injected, so that a simulation can control the time. */
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';

/** A clock with timers. All times are in milliseconds. */
export interface Clock {
  /** Returns the time of CLOCK_MONOTONIC. All processes of a machine get the same number at the same instant. */
  now(): number;
  /** Resolves after `ms` milliseconds. With 0, it resolves after the events that are already pending. */
  sleep(ms: number): Promise<void>;
  /** Calls `then` after `ms` milliseconds, unless the returned function is called earlier. */
  after(ms: number, then: () => void): () => void;
  /** Calls `tick` every `ms` milliseconds until the returned function is called. */
  every(ms: number, tick: () => void): () => void;
}

// The first call of each function is slow. Without these calls, its duration would be part of the measured difference.
process.hrtime.bigint();
performance.now();
/**
 * The difference between CLOCK_MONOTONIC, which all processes share, and `performance.now()`, which counts from the
 * start of this process, in milliseconds.
 */
const sinceBoot = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** The clock of the operating system. */
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

/**
 * Waits until `work` settles, but at most `ms` milliseconds. It leaves no timer active.
 *
 * @returns whether `work` settled in time; a rejection counts as settled
 */
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
