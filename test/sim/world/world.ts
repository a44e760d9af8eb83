/** One run: its time, its chance, its faults, and what happened in it. */
import { type FaultClass, FaultCounts } from './faults.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';

export class World {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly counts = new FaultCounts();
  /** No more faults from here on. */
  calm = false;
  /** When something was done to the run last: deadlines count from there. */
  disturbedAt = 0;
  readonly #trace: string[] | undefined;

  constructor(seed: number, { traced = false } = {}) {
    this.random = new Random(seed);
    this.scheduler = new Scheduler(new Random(seed, 1));
    this.#trace = traced ? [] : undefined;
  }

  get now(): number {
    return this.scheduler.now;
  }

  get trace(): readonly string[] {
    return this.#trace ?? [];
  }

  /** @param what built only when somebody wants to read it */
  note(who: string, what: () => string): void {
    this.#trace?.push(`${this.now.toFixed(3).padStart(10)}  ${who.padEnd(10)} ${what()}`);
  }

  fault(who: string, fault: FaultClass, what: () => string = () => ''): void {
    this.counts.count(fault);
    this.disturbedAt = this.now;
    this.note(who, () => `** ${fault} ${what()}`);
  }
}
