/** Suites that need what only root has: mounts and loop devices. */

import { existsSync } from 'node:fs';
import { describe, it } from '@jest/globals';

/** Something a suite cannot do without. */
export interface Need {
  readonly what: string;
  readonly isThere: boolean;
}

export const ROOT: Need = { what: 'root', isThere: process.getuid?.() === 0 };
export const LOOP_DEVICES: Need = { what: 'loop devices', isThere: existsSync('/dev/loop-control') };

/** A `describe` that is skipped, with one line to say so, where a need is not there; in CI that is a failure. */
export function describeWith(needs: readonly Need[], name: string, body: () => void): void {
  const missing = needs.find(({ isThere }) => !isThere)?.what;
  if (missing === undefined) {
    describe(name, body);
  } else if (process.env['CI'] === 'true') {
    describe(name, () => {
      it(`needs ${missing}`, () => {
        throw new Error(`in CI nothing is skipped, and this is missing: ${missing}`);
      });
    });
  } else {
    process.stderr.write(`skipped, because it needs ${missing}: ${name}\n`);
    describe.skip(name, body);
  }
}
