/**
 * Deliberate bugs that a developer could make. The simulator must find all of them, which shows that its checks can
 * fail. The product contains none of them: each replaces a span of source in a copy.
 */
import type { Mutation } from '../build/mutations.js';
import { COMMIT } from './commit.js';
import { CONTROL } from './control.js';
import { FOUND, RARE } from './found.js';
import { JOURNAL } from './journal.js';
import { RECOVERY } from './recovery.js';
import { RING } from './ring.js';
import { TIMEOUTS } from './timeouts.js';

export const MUTANTS: readonly Mutation[] = [
  ...RING,
  ...CONTROL,
  ...COMMIT,
  ...TIMEOUTS,
  ...JOURNAL,
  ...RECOVERY,
  ...FOUND,
];

/** Returns a mutant by its name. @throws Error when it does not exist */
export function mutantCalled(name: string): Mutation {
  const found = [...MUTANTS, ...RARE].find((one) => one.name === name);
  if (found === undefined) throw new Error(`no such mutant: '${name}'`);
  return found;
}
