/** Looks for every mutant, as many at a time as there are processors, each in a process of its own, until its first violation. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Places } from '../build/copies.js';
import { MUTANTS } from './index.js';

interface Found {
  readonly name: string;
  /** Seeds until it was found; undefined: it was not. */
  readonly seeds: number | undefined;
  /** How it showed, or what went wrong. */
  readonly what: string;
}

/** @returns exit status */
export async function huntAll({ root }: Places, seeds: number, say: (line: string) => void): Promise<number> {
  const waiting = [...MUTANTS];
  let missed = 0;
  const hunter = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const found = await hunt(root, next.name, seeds);
      if (found.seeds === undefined) missed += 1;
      say(`${`${found.seeds ?? 'NOT FOUND'}`.padStart(9)}  ${found.name}: ${found.what}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, hunter));
  say(missed === 0 ? `all ${MUTANTS.length} found` : `${missed} of ${MUTANTS.length} not found in ${seeds} seeds`);
  return missed === 0 ? 0 : 1;
}

/** @param root the repository */
export function hunt(root: string, name: string, seeds: number): Promise<Found> {
  const argv = [join(root, 'test/sim/run.mjs'), '--mutant', name, '--seeds', `${seeds}`, '--json'];
  return new Promise((resolve) => {
    execFile(process.execPath, argv, { maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      const [first] = failedIn(stdout);
      if (first !== undefined) resolve({ name, seeds: first.seed, what: first.violations[0] ?? '' });
      else resolve({ name, seeds: undefined, what: error === null ? 'no violation' : stderr.trim().slice(-300) });
    });
  });
}

function failedIn(stdout: string): readonly { readonly seed: number; readonly violations: readonly string[] }[] {
  try {
    return JSON.parse(stdout).failed;
  } catch {
    return [];
  }
}
