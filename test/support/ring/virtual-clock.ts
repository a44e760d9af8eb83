/**
 * A clock whose time passes only while everything waits: a deadline of 30 s expires immediately, and always after the
 * work that it limits. Works with devices in memory, whose requests need no time.
 */
import type { Clock } from '../../../src/base/time/index.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  /** Runs the earliest timer after everything that needs no time has run. */
  #stepping = false;
  #stopped = false;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  /** Makes the clock jump, as a process observes it that was stopped. */
  jump(ms: number): void {
    this.#now += ms;
  }

  after(ms: number, then: () => void): () => void {
    const timer = { at: this.#now + ms, order: this.#order, run: then };
    this.#order += 1;
    this.#timers.add(timer);
    this.#step();
    return () => this.#timers.delete(timer);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  every(ms: number, tick: () => void): () => void {
    let cancel = (): unknown => undefined;
    const again = (): void => {
      cancel = this.after(ms, () => {
        again();
        tick();
      });
    };
    again();
    return () => void cancel();
  }

  /** Stops the time: no timer fires afterwards. */
  stop(): void {
    this.#stopped = true;
    this.#timers.clear();
  }

  /** Runs the earliest timer after all that can go on without time has gone on. */
  #step(): void {
    if (this.#stepping || this.#stopped) return;
    this.#stepping = true;
    setImmediate(() => {
      this.#stepping = false;
      let next: Timer | undefined;
      for (const timer of this.#timers) {
        if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order))
          next = timer;
      }
      if (next === undefined) return;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      if (this.#timers.size > 0) this.#step();
    });
  }
}
