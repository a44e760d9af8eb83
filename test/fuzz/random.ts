/** The random numbers of one run. */
import { SeededRandom } from '../support/cli/seeded-random.js';

/** A generator with a choice among values. */
export class Random extends SeededRandom {
  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }
}

/** Returns the generator of one run. It depends on the seed and the run only, not on earlier runs. */
export function randomOf(seed: number, run: number): Random {
  const first = new Random(seed ^ Math.imul(run, 0x9e3779b1));
  first.next();
  return new Random(first.next());
}
