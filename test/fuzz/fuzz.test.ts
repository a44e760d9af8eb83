/** The first runs of `npm run fuzz`, as a test. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { fuzzRun } from './run.js';
import { allSeeds, type Seed } from './seeds.js';

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const SEED = 1;
const RUNS = 1000;
/** The time limit, in milliseconds. The runs take 2 s on an idle machine. */
const FUZZ_LIMIT_MS = 300_000;

let seeds: readonly Seed[] = [];
beforeAll(async () => {
  seeds = await allSeeds(FIXTURES);
}, FUZZ_LIMIT_MS);

describe('a damaged file of another program', () => {
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
      // Some files are accepted, and others are rejected with various errors: the mutations reach the readers.
      for (const code of ['taken', 'TRUNCATED', 'CORRUPT', 'UNKNOWN_RECORD', 'LIMIT_EXCEEDED', 'UNSUPPORTED_VERSION'])
        expect([code, (results.get(code) ?? 0) > 1]).toEqual([code, true]);
    },
    FUZZ_LIMIT_MS,
  );
});
