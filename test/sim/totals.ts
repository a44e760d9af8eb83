/** Adds up the results of many seeds. */
import type { RunReport } from './scenario/run.js';
import { FaultCounts } from './world/faults.js';

export interface Failed {
  readonly seed: number;
  readonly violations: readonly string[];
}

export class Totals {
  readonly first: number;
  readonly failed: Failed[] = [];
  readonly faults = new FaultCounts();
  readonly #kinds = new Map<string, { runs: number; committed: number }>();
  readonly #outcomes = new Map<string, number>();
  readonly #began = performance.now();
  seeds = 0;
  events = 0;
  /** The virtual time of all runs, in milliseconds. */
  virtual = 0;

  constructor(first: number) {
    this.first = first;
  }

  /** The next seed. */
  get next(): number {
    return this.first + this.seeds;
  }

  /** The real time since the first seed, in seconds. */
  get seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }

  get kinds(): ReadonlyMap<string, { readonly runs: number; readonly committed: number }> {
    return this.#kinds;
  }

  /** How many processes ended in each way. */
  get outcomes(): ReadonlyMap<string, number> {
    return this.#outcomes;
  }

  add({ seed, plan, violations, counts, committed, events, milliseconds, outcomes }: RunReport): void {
    this.seeds += 1;
    if (violations.length > 0) this.failed.push({ seed, violations });
    this.faults.add(counts);
    this.events += events;
    this.virtual += milliseconds;
    const kind = this.#kinds.get(plan.kind) ?? { runs: 0, committed: 0 };
    this.#kinds.set(plan.kind, kind);
    kind.runs += 1;
    kind.committed += committed ? 1 : 0;
    for (const outcome of outcomes) {
      // The number of the incarnation is irrelevant here.
      const what = outcome.replace(/\.\d+ /, ' ');
      this.#outcomes.set(what, (this.#outcomes.get(what) ?? 0) + 1);
    }
  }

  toJSON(): object {
    const { first, seeds, events, virtual, failed, faults } = this;
    const [kinds, outcomes] = [Object.fromEntries(this.#kinds), Object.fromEntries(this.#outcomes)];
    return { first, seeds, events, virtual, failed, kinds, faults, outcomes };
  }
}
