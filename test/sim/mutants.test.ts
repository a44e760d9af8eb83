/** Every deliberate bug is found (docs/simulation.md): that is what shows that the simulator's checks can fail. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Mutation, mutant, mutated } from './build/mutations.js';
import { RARE } from './mutants/found.js';
import type { Hunted } from './mutants/hunt.js';
import { MUTANTS } from './mutants/index.js';
import { foundText, withTable } from './mutants/stored.js';

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
});

describe('what a hunt has found', () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
  const text = read('mutants/found.json');
  const found = JSON.parse(text) as readonly Hunted[];

  it('is stored for each of the mutants', () => {
    expect(found.map(({ name }) => name)).toEqual(NAMES);
    expect(foundText(found)).toBe(text);
  });

  it('is the table of the documentation', () => {
    const page = read('../../docs/simulation.md');
    expect(withTable(page, found)).toBe(page);
  });

  it('is refused for a page without the marks', () => {
    expect(() => withTable('# Simulation\n', found)).toThrow('docs/simulation.md lacks the lines');
  });
});

it.each(RARE)('the rare mutant applies: $name', (mutation) => {
  for (const { file } of mutation.changes) {
    const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
    expect(mutated(file, source, mutation)).not.toBe(source);
  }
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
