/** Tests that mount or attach something. On a build server they must run; elsewhere they are skipped, and it is said. */
import { describe, it } from '@jest/globals';

const isRoot = process.getuid?.() === 0;

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
