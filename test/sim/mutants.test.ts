/** Every mutant is found, which shows that the simulator's checks can fail (docs/development/mutants.md). */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Mutation, mutant, mutated } from './build/mutations.js';
import { RARE } from './mutants/found.js';
import type { Hunted } from './mutants/hunt.js';
import { MUTANTS } from './mutants/index.js';
import { foundText, MUTANTS_PAGE, withTable } from './mutants/stored.js';

// The hunt needs less than a minute of processor time, and the machine may be busy.
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

describe('the result of a hunt', () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
  const text = read('mutants/found.json');
  const found = JSON.parse(text) as readonly Hunted[];

  it('is stored for each mutant', () => {
    expect(found.map(({ name }) => name)).toEqual(NAMES);
    expect(foundText(found)).toBe(text);
  });

  it('is in the table of the documentation', () => {
    const page = read(`../../${MUTANTS_PAGE}`);
    expect(withTable(page, found)).toBe(page);
  });

  it('cannot be written to a page without the marks', () => {
    expect(() => withTable('# Simulation\n', found)).toThrow(`${MUTANTS_PAGE} lacks the lines`);
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

  it('replaces its span of the source', () => {
    expect(mutated('a.ts', 'before; if (wrong) throw error; after;', mutation)).toBe('before;  after;');
  });

  it.each([
    ['its line breaks', 'before; if (wrong)\n      throw error; after;'],
    ['comments', 'before; if (wrong) /* it is */ throw error; // so\n after;'],
  ])('finds its span whatever %s are', (_, source) => {
    expect(mutated('a.ts', source, mutation)).not.toContain('throw error;');
  });

  it('finds a call whose arguments were broken into lines', () => {
    const call = mutant('the limit is not passed on', 'a.ts', 'wait(disk, limit)', 'wait(disk)');
    expect(mutated('a.ts', 'await wait(\n  disk,\n  limit,\n);', call)).toBe('await wait(disk);');
  });

  it('does not match a part of a word', () => {
    expect(() => mutated('a.ts', 'if (wrong) throw errors;', mutation)).toThrow('has 0 times');
  });

  it('does not change other files', () => {
    expect(mutated('b.ts', 'if (wrong) throw error;', mutation)).toBe('if (wrong) throw error;');
  });

  it.each([
    ['is missing', 'if (bad) throw error;', 0],
    ['occurs twice', 'if (wrong) throw error; if (wrong) throw error;', 2],
  ])('is rejected when its span %s', (_, source, times) => {
    expect(() => mutated('a.ts', source, mutation)).toThrow(
      `mutant 'all is well' does not apply: src/a.ts has ${times} times: if (wrong) throw error;`,
    );
  });
});
