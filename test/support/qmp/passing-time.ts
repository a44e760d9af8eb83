/**
 * Timers that go when the test says so: a limit of seconds is over in a moment. Sockets and files go on in real time, and so
 * does what waits with `node:timers/promises`.
 */
import { afterEach, jest } from '@jest/globals';
import { until } from './until.js';

const GOES_ON = [
  'Date',
  'clearImmediate',
  'clearInterval',
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
] as const;

export interface PassingTime {
  /** Stops the timers. */
  stop(): void;
  /** Waits until somebody waits for a timer, then lets the time go on by `ms`. */
  pass(ms: number): Promise<void>;
  /** Timers that somebody waits for. */
  waiting(): number;
}

/** To be called in a `describe`; after each test time is what it was. */
export function passingTime(): PassingTime {
  afterEach(() => void jest.useRealTimers());
  return {
    stop: () => void jest.useFakeTimers({ doNotFake: [...GOES_ON] }),
    pass: async (ms) => {
      await until(() => jest.getTimerCount() > 0);
      await jest.advanceTimersByTimeAsync(ms);
    },
    waiting: () => jest.getTimerCount(),
  };
}
