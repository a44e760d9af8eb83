/** Two thousand seeds of the simulator (docs/simulation.md), in a process of its own. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it, jest } from '@jest/globals';
import { FAULTS } from './world/faults.js';

// Some twenty seconds of a processor; the machine may be busy with other things.
jest.setTimeout(600_000);

const SEEDS = 2_000;
const RUN = new URL('run.mjs', import.meta.url).pathname;

function simulate(...args: readonly string[]): { readonly failed: unknown; readonly faults: Record<string, number> } {
  return JSON.parse(execFileSync(process.execPath, [RUN, '--json', ...args], { encoding: 'utf8', maxBuffer: 1 << 24 }));
}

describe('the simulator', () => {
  it(`finds no violation in ${SEEDS} seeds, and every class of faults is in them`, () => {
    const { failed, faults } = simulate('--seeds', `${SEEDS}`);
    expect(failed).toEqual([]);
    expect(FAULTS.filter((fault) => (faults[fault] ?? 0) === 0)).toEqual([]);
  });

  it('does the same again with the same seeds', () => {
    const totals = (): unknown => simulate('--seeds', '40', '--seed', '77');
    expect(totals()).toEqual(totals());
  });
});
