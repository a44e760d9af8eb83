/**
 * Virtual time: events in a heap, the earliest first; between those of the same instant the seed decides.
 *
 * An event may resume the code of a process. Then everything that this code does until it waits again is done before the next event:
 * the order of microtasks is fixed, so the whole run follows from the seed.
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

  /** Milliseconds since the run began. */
  get now(): number {
    return this.#now;
  }

  /** Events so far. */
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

  /** Said by whoever resumes the code of a process: it runs until it waits, before the next event. */
  wake(): void {
    this.#woke = true;
  }

  /**
   * Runs events until `until` holds.
   * @param limit the virtual time at which it is given up; may move
   * @returns whether it came to hold
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

/** Resolves when no code can go on any more without an event. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
