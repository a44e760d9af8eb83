/** Every deliberate bug is found (docs/simulation.md): that is what shows that the simulator's checks can fail. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Mutation, mutant, mutated } from './build/mutations.js';
import type { Hunted } from './mutants/hunt.js';
import { MUTANTS } from './mutants/index.js';

// Less than a minute of a processor; the machine may be busy with other things.
jest.setTimeout(1_200_000);

const SEEDS = 2_000;
const RUN = new URL('run.mjs', import.meta.url).pathname;
const NAMES = MUTANTS.map(({ name }) => name);

describe('the simulator', () => {
  let hunted: readonly Hunted[] = [];

  beforeAll(() => {
    const argv = [RUN, '--mutants', '--json', '--seeds', `${SEEDS}`];
    const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', maxBuffer: 1 << 24 });
    if (stdout === '') throw new Error(stderr);
    hunted = JSON.parse(stdout);
  });

  it.each(NAMES)(`finds within ${SEEDS} seeds: %s`, (name) => {
    const found = hunted.find((one) => one.name === name);
    expect(found).toEqual({ name, files: expect.anything(), seed: expect.any(Number), violation: expect.any(String) });
  });

  it('has the same mutants in its documentation', () => {
    const page = readFileSync(new URL('../../docs/simulation.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `[\w/.-]+\.ts` \| (.+?) \|/gm)].map(([, name]) => name);
    expect(rows).toEqual(NAMES);
  });
});

describe('a mutation', () => {
  const mutation: Mutation = mutant('all is well', 'a.ts', 'if (wrong) throw error;', '');

  it('replaces its piece of the source', () => {
    expect(mutated('a.ts', 'before; if (wrong) throw error; after;', mutation)).toBe('before;  after;');
  });

  it('leaves other files as they are', () => {
    expect(mutated('b.ts', 'if (wrong) throw error;', mutation)).toBe('if (wrong) throw error;');
  });

  it.each([
    ['is not there any more', 'if (bad) throw error;', 0],
    ['is there twice', 'if (wrong) throw error; if (wrong) throw error;', 2],
  ])('is refused when its piece %s', (_, source, times) => {
    expect(() => mutated('a.ts', source, mutation)).toThrow(
      `mutant 'all is well' does not apply: src/a.ts has ${times} times: if (wrong) throw error;`,
    );
  });
});
