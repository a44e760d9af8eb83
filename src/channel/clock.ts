/** Time, as the channel sees it. Injected, so that a simulation can own it. */
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds, monotone; only differences mean something. */
  now(): number;
  /** Resolves after `ms` milliseconds; for 0, after the events that are already waiting. */
  sleep(ms: number): Promise<void>;
  /** Calls `then` after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, then: () => void): () => void;
  /** Calls `tick` every `ms` milliseconds until the returned function is called. */
  every(ms: number, tick: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
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

/** Waits for `work`, but not longer than `ms`; an error of it counts as done. No timer is left behind. */
export async function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  let cancel: () => void = () => undefined;
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve);
  });
  await Promise.race([work.catch(() => undefined), late]);
  cancel();
}
