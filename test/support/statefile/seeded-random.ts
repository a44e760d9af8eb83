/** Random numbers that are the same for the same seed (mulberry32), so that a failure can be repeated. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** The seed of this run: `STUBFERRY_TEST_SEED`, or always the same. */
export const SEED = Number(process.env['STUBFERRY_TEST_SEED'] ?? 20251122);
