/** One run: its time, its random numbers, its faults and its trace. */
import { type FaultClass, FaultCounts } from './faults.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';

export class World {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly counts = new FaultCounts();
  /** Whether no more faults are injected. */
  calm = false;
  /** The time of the last disturbance, from which deadlines are counted. */
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

  /** Adds a line to the trace. @param what returns the text; it is called only when the run is traced */
  note(who: string, what: () => string): void {
    this.#trace?.push(`${this.now.toFixed(3).padStart(10)}  ${who.padEnd(10)} ${what()}`);
  }

  fault(who: string, fault: FaultClass, what: () => string = () => ''): void {
    this.counts.count(fault);
    this.disturbedAt = this.now;
    this.note(who, () => `** ${fault} ${what()}`);
  }
}
