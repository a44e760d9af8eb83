/**
 * Fake timers that the test advances, so that a limit of seconds passes immediately. Sockets, files and
 * `node:timers/promises` use real time.
 */
import { afterEach, jest } from '@jest/globals';
import { until } from './until.js';

const REAL = [
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
  /** Replaces the timers by fake ones. */
  stop(): void;
  /** Waits until a timer is set, then advances the time by `ms`. */
  pass(ms: number): Promise<void>;
  /** The number of pending timers. */
  waiting(): number;
}

/** Call this in a `describe`. It restores the real timers after each test. */
export function passingTime(): PassingTime {
  afterEach(() => void jest.useRealTimers());
  return {
    stop: () => void jest.useFakeTimers({ doNotFake: [...REAL] }),
    pass: async (ms) => {
      await until(() => jest.getTimerCount() > 0);
      await jest.advanceTimersByTimeAsync(ms);
    },
    waiting: () => jest.getTimerCount(),
  };
}
