/** Replaces `@jest/globals` when suites run in dom0: Node's own test runner, with jest's `expect`. */

import { after, afterEach, before, beforeEach, describe, it as nodeIt } from 'node:test';
import { format } from 'node:util';
import { expect } from 'expect';

type Body = (...values: unknown[]) => unknown;

/** Tests that introduce invented domains, which needs the xenstored of the unit tests. They are skipped in dom0. */
const NEED_A_DOMAIN: ReadonlySet<string> = new Set([
  'returns the home of a domain, and whether the domain is introduced',
  'reports introduced and released domains',
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
