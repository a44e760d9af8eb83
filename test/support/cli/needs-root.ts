/** Tests that mount or attach something. They must run on a build server; elsewhere they are skipped with a message. */
import { describe, it } from '@jest/globals';

const isRoot = process.getuid?.() === 0;

/** `describe` for tests that need root. */
export function describeAsRoot(name: string, tests: () => void): void {
  if (isRoot) {
    describe(name, tests);
  } else if (process.env['CI'] === 'true') {
    it(`${name}: needs root`, () => {
      throw new Error('CI must run these tests as root');
    });
  } else {
    process.stderr.write(`skipped, needs root: ${name}\n`);
    describe.skip(name, tests);
  }
}
