/** Pseudo-random numbers (mulberry32). The same seed results in the same numbers, so that a failure can be repeated. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** The seed of this run: the environment variable `STUBFERRY_TEST_SEED`, or 20251122 by default. */
export const SEED = Number(process.env['STUBFERRY_TEST_SEED'] ?? 20251122);
