import { describe, expect, it } from '@jest/globals';
import { isChildName, isPath, isWithin } from '../../../../../src/xen/xenstore/wire/path.js';

describe('a path of xenstore', () => {
  it.each(['/', '/a', '/local/domain/0', 'data', 'data/x', '@releaseDomain', '/A-z_9@+', `/${'x'.repeat(3071)}`])(
    'may be %j',
    (path) => {
      expect(isPath(path)).toBe(true);
    },
  );

  it.each([
    '',
    '//',
    '/a/',
    'a/',
    '/a//b',
    '/a b',
    '/a\n',
    '/a\0',
    '/\u00e9',
    `/${'x'.repeat(3072)}`,
    'x'.repeat(2049),
  ])('may not be %j', (path) => {
    expect(isPath(path)).toBe(false);
  });

  it('is within itself and its ancestors, and not within a path that is only a string prefix', () => {
    for (const parent of ['/', '/a', '/a/b']) expect(isWithin('/a/b', parent)).toBe(true);
    for (const parent of ['/a/b/c', '/a/', '/ab', 'a']) expect(isWithin('/a/b', parent)).toBe(false);
    expect(isWithin('/ab', '/a')).toBe(false);
  });

  it('has children whose names have no slash', () => {
    expect(['vbd', '51712', 'a/b', '', '.'].map(isChildName)).toEqual([true, true, false, false, false]);
  });
});
