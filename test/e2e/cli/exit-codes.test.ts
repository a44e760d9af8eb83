import { describe, expect, it } from '@jest/globals';
import { ERROR_CODES } from '../../../src/base/errors/index.js';
import { documentOf, stubferry } from '../../support/cli/run-stubferry.js';

describe('stubferry exit-codes', () => {
  it('lists every exit status with its code and meaning, success first', async () => {
    const { exit, stdout } = await stubferry(['exit-codes']);
    const lines = stdout.toString().trimEnd().split('\n');
    expect(exit).toBe(0);
    expect(lines[0]).toMatch(/^status +code +means$/);
    expect(lines[1]).toMatch(/^ +0 +OK +done$/);
    expect(lines).toHaveLength(Object.keys(ERROR_CODES).length + 2);
    for (const [code, { status, means }] of Object.entries(ERROR_CODES))
      expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^ *${status} +${code} +${means}$`)));
  });

  it('prints an object from codes to numbers with --json', async () => {
    const ended = await stubferry(['exit-codes', '--json']);
    const expected = Object.entries(ERROR_CODES).map(([code, { status }]) => [code, status] as const);
    expect(documentOf(ended)).toEqual({ ok: 0, ...Object.fromEntries(expected) });
  });
});
