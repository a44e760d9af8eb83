import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { printable } from '../../../../src/base/errors/index.js';

const anyText = fc.array(fc.nat({ max: 0xffff })).map((units) => String.fromCharCode(...units));

describe('printable', () => {
  it('does not change text that a terminal only displays', () => {
    expect(printable('QEMU 7.2.22 (Debian), ä ß € 漢字 🚢')).toBe('QEMU 7.2.22 (Debian), ä ß € 漢字 🚢');
  });

  it.each([
    ['a terminal escape', '\u001b[31mred', '\\u{1b}[31mred'],
    ['the one-byte form of that escape', '\u009b31m', '\\u{9b}31m'],
    ['a line break', 'a\nb\rc', 'a\\u{a}b\\u{d}c'],
    ['NUL and DEL', '\0\u007f', '\\u{0}\\u{7f}'],
    ['a character that changes the text direction', 'abc\u202ecba', 'abc\\u{202e}cba'],
    ['line and paragraph separators', 'a\u2028b\u2029c', 'a\\u{2028}b\\u{2029}c'],
    ['half a surrogate pair', 'a\ud83d', 'a\\u{d83d}'],
    ['private-use and unassigned characters', '\ue000\u{10ffff}', '\\u{e000}\\u{10ffff}'],
  ])('escapes %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('never returns a control, format or surrogate character', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  it('truncates text that exceeds the limit, and marks it with an ellipsis', () => {
    expect(printable('abcd', 4)).toBe('abcd');
    expect(printable('abcde', 4)).toBe('abcd...');
    expect(printable('x'.repeat(2000))).toBe(`${'x'.repeat(1024)}...`);
  });

  it('escapes the surrogate that remains of a truncated character', () => {
    expect(printable('abc🚢', 4)).toBe('abc\\u{d83d}...');
  });
});
