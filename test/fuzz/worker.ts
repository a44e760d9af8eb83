/** Makes runs in a worker thread, so that the main thread can detect a run that hangs. */
import { parentPort, workerData } from 'node:worker_threads';
import { fuzzRun } from './run.js';
import { allSeeds } from './seeds.js';

/** The runs of a worker: from `from`, without `to`. */
export interface Work {
  readonly fixtures: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

/** A report of finished runs. */
export interface Progress {
  /** The number of the next run. */
  readonly run: number;
  /** How many runs had each result. */
  readonly results: Readonly<Record<string, number>>;
  readonly faults: readonly {
    readonly run: number;
    readonly name: string;
    readonly what: string;
    readonly fault: string;
  }[];
}

const EACH = 200;
const { fixtures, seed, from, to } = workerData as Work;
const seeds = await allSeeds(fixtures);
for (let run = from; run < to; ) {
  const results: Record<string, number> = {};
  const faults: Progress['faults'][number][] = [];
  for (const end = Math.min(run + EACH, to); run < end; run += 1) {
    const outcome = await fuzzRun(seeds, seed, run);
    results[outcome.result] = (results[outcome.result] ?? 0) + 1;
    const { fault, mutated } = outcome;
    if (fault !== undefined) faults.push({ run, name: outcome.seed.name, what: mutated.what, fault });
  }
  const progress: Progress = { run, results, faults };
  parentPort?.postMessage(progress);
}
