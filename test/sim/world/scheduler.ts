/**
 * Virtual time: a heap of events, the earliest first. The seed determines the order of events at the same time.
 *
 * An event may resume the code of a process. This code runs until it waits again before the next event is executed. The
 * order of microtasks is fixed, so that the whole run follows from the seed.
 */
import type { Random } from './random.js';

export interface Happening {
  readonly at: number;
  readonly tie: number;
  readonly run: () => void;
  cancelled: boolean;
}

export class Scheduler {
  readonly #random: Random;
  readonly #heap: Happening[] = [];
  #now = 0;
  #woke = false;
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The virtual time since the start of the run, in milliseconds. */
  get now(): number {
    return this.#now;
  }

  /** The number of events so far. */
  get count(): number {
    return this.#count;
  }

  at(time: number, run: () => void): Happening {
    const happening = { at: Math.max(time, this.#now), tie: this.#random.next(), run, cancelled: false };
    this.#heap.push(happening);
    this.#up(this.#heap.length - 1);
    return happening;
  }

  after(ms: number, run: () => void): Happening {
    return this.at(this.#now + ms, run);
  }

  /** Must be called before the code of a process is resumed. The code then runs until it waits, before any event. */
  wake(): void {
    this.#woke = true;
  }

  /**
   * Runs events until `until` returns true.
   * @param limit returns the virtual time at which the scheduler gives up; it may change
   * @returns whether `until` returned true
   */
  async run(until: () => boolean, limit: () => number): Promise<boolean> {
    await drained();
    while (!until()) {
      const next = this.#pop();
      if (next === undefined || next.at > limit()) return until();
      this.#now = next.at;
      this.#count += 1;
      next.run();
      if (!this.#woke) continue;
      this.#woke = false;
      await drained();
    }
    return true;
  }

  #pop(): Happening | undefined {
    for (;;) {
      const top = this.#heap[0];
      const last = this.#heap.pop();
      if (top === undefined || last === undefined) return undefined;
      if (this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#down();
      }
      if (!top.cancelled) return top;
    }
  }

  #up(from: number): void {
    for (let child = from; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfEarlier(child, parent)) return;
      child = parent;
    }
  }

  #down(): void {
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      if (left >= this.#heap.length) return;
      const child = left + 1 < this.#heap.length && this.#isEarlier(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfEarlier(child, parent)) return;
      parent = child;
    }
  }

  #isEarlier(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a === undefined || b === undefined) return false;
    return a.at < b.at || (a.at === b.at && a.tie < b.tie);
  }

  #swapIfEarlier(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a === undefined || b === undefined || !this.#isEarlier(one, other)) return false;
    this.#heap[one] = b;
    this.#heap[other] = a;
    return true;
  }
}

/** Resolves when no code can continue without an event. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
