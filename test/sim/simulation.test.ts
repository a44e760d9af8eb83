/** Runs two thousand seeds of the simulator (docs/development/simulator.md) in a separate process. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it, jest } from '@jest/globals';
import { FAULTS } from './world/faults.js';

// The seeds need about twenty seconds of processor time, and the machine may be busy.
jest.setTimeout(600_000);

const SEEDS = 2_000;
const RUN = new URL('run.mjs', import.meta.url).pathname;

function simulate(...args: readonly string[]): { readonly failed: unknown; readonly faults: Record<string, number> } {
  return JSON.parse(execFileSync(process.execPath, [RUN, '--json', ...args], { encoding: 'utf8', maxBuffer: 1 << 24 }));
}

describe('the simulator', () => {
  it(`finds no violation in ${SEEDS} seeds, which include every class of faults`, () => {
    const { failed, faults } = simulate('--seeds', `${SEEDS}`);
    expect(failed).toEqual([]);
    expect(FAULTS.filter((fault) => (faults[fault] ?? 0) === 0)).toEqual([]);
  });

  it('gives the same result for the same seeds', () => {
    const totals = (): unknown => simulate('--seeds', '40', '--seed', '77');
    expect(totals()).toEqual(totals());
  });
});
