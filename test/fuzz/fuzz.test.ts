/** The first runs of `npm run fuzz`, and those that once showed a fault. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { fuzzRun } from './run.js';
import { allSeeds, type Seed } from './seeds.js';

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const SEED = 1;
const RUNS = 2000;
/** They take 3 s on a machine that does nothing else. */
const PATIENCE_MS = 180_000;

let seeds: readonly Seed[] = [];
beforeAll(async () => {
  seeds = await allSeeds(FIXTURES);
}, PATIENCE_MS);

describe('what others wrote, damaged', () => {
  it(
    `is read or refused with a typed error, ${RUNS} times`,
    async () => {
      const results = new Map<string, number>();
      let broken = 0;
      for (let run = 0; run < RUNS; run += 1) {
        const { seed, mutated, result, fault } = await fuzzRun(seeds, SEED, run);
        if (fault !== undefined) throw new Error(`run ${run} (${seed.name}: ${mutated.what}): ${fault}`);
        if (mutated.broken) broken += 1;
        results.set(result, (results.get(result) ?? 0) + 1);
      }
      expect(broken).toBeGreaterThan(RUNS / 10);
      // Not all of it is refused at once, and not all of it is taken: the readers are reached.
      for (const code of ['taken', 'TRUNCATED', 'CORRUPT', 'UNKNOWN_RECORD', 'LIMIT_EXCEEDED', 'UNSUPPORTED_VERSION'])
        expect([code, (results.get(code) ?? 0) > 3]).toEqual([code, true]);
    },
    PATIENCE_MS,
  );
});
