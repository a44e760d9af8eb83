/**
 * Deliberate bugs, each as somebody might make it. The simulator must find every one of them: that is what shows that its checks can
 * fail. Nothing of them is in the product: each is a piece of source that is replaced in a copy.
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

/** @throws Error when there is none */
export function mutantCalled(name: string): Mutation {
  const found = [...MUTANTS, ...RARE].find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no mutant '${name}'`);
  return found;
}
