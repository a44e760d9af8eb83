/** Stands for `@jest/globals` where suites run in dom0: on Node's own test runner, with jest's `expect`. */

import { after, afterEach, before, beforeEach, describe, it as nodeIt } from 'node:test';
import { format } from 'node:util';
import { expect } from 'expect';

type Body = (...values: unknown[]) => unknown;

/** These make domains up, with a xenstored of their own. */
const NEED_A_DOMAIN: ReadonlySet<string> = new Set([
  'knows the home of a domain, and whether it is there',
  'sees domains come and go',
]);

function it(name: string, body: Body): void {
  if (NEED_A_DOMAIN.has(name)) nodeIt.skip(name);
  else nodeIt(name, async () => void (await body()));
}

it.each = (rows: readonly unknown[]) => {
  return (name: string, body: Body): void => {
    for (const row of rows) {
      const values = Array.isArray(row) ? row : [row];
      it(format(name, ...values.slice(0, name.split('%s').length - 1)), () => body(...values));
    }
  };
};

export { after as afterAll, afterEach, before as beforeAll, beforeEach, describe, expect, it };
