/** Test suites with requirements, such as root for mounts and loop devices. */

import { existsSync } from 'node:fs';
import { describe, it } from '@jest/globals';

/** A requirement of a suite. */
export interface Need {
  readonly what: string;
  readonly isThere: boolean;
}

export const ROOT: Need = { what: 'root', isThere: process.getuid?.() === 0 };
export const LOOP_DEVICES: Need = { what: 'loop devices', isThere: existsSync('/dev/loop-control') };

/** A `describe` that is skipped with a message when a requirement is missing. In CI it fails instead. */
export function describeWith(needs: readonly Need[], name: string, body: () => void): void {
  const missing = needs.find(({ isThere }) => !isThere)?.what;
  if (missing === undefined) {
    describe(name, body);
  } else if (process.env['CI'] === 'true') {
    describe(name, () => {
      it(`needs ${missing}`, () => {
        throw new Error(`a requirement is missing, and CI skips no tests: ${missing}`);
      });
    });
  } else {
    process.stderr.write(`skipped because ${missing} is missing: ${name}\n`);
    describe.skip(name, body);
  }
}
