/**
 * One run: damages a seed, and passes it to all readers of its kind. The same seed and run number give the same result.
 */
import { StubferryError } from '../../src/base/errors/index.js';
import { type Mutated, mutate } from './mutations.js';
import { randomOf } from './random.js';
import { readMutated } from './readers.js';
import type { Seed } from './seeds.js';

/** The outcome of a run. */
export interface Outcome {
  readonly seed: Seed;
  readonly mutated: Mutated;
  /** The code of the typed error; `taken` when the readers accepted the file. */
  readonly result: string;
  /**
   * The fault of a reader, if any: an error of another kind, or success with a file that is certainly not consistent.
   */
  readonly fault: string | undefined;
}

/** Makes one run. @param seed the number from which all runs derive @param run the number of the run */
export async function fuzzRun(seeds: readonly Seed[], seed: number, run: number): Promise<Outcome> {
  const random = randomOf(seed, run);
  const start = pickByWeight(seeds, random.next() / 2 ** 32);
  const mutated = mutate(start, random, seeds);
  try {
    await readMutated(start.family, mutated.bytes, random);
    const fault = mutated.broken ? 'taken, though it is certainly not consistent' : undefined;
    return { seed: start, mutated, result: 'taken', fault };
  } catch (error) {
    if (error instanceof StubferryError && error.code !== 'INTERNAL')
      return { seed: start, mutated, result: error.code, fault: undefined };
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { seed: start, mutated, result: 'fault', fault: text };
  }
}

function pickByWeight(seeds: readonly Seed[], place: number): Seed {
  let rest = place * seeds.reduce((sum, { weight }) => sum + weight, 0);
  const found = seeds.find(({ weight }) => {
    rest -= weight;
    return rest < 0;
  });
  const last = found ?? seeds.at(-1);
  if (last === undefined) throw new Error('no seeds');
  return last;
}
