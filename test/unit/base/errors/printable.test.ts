import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { printable } from '../../../../src/base/errors/index.js';

const anyText = fc.array(fc.nat({ max: 0xffff })).map((units) => String.fromCharCode(...units));

describe('printable', () => {
  it('leaves text alone that a terminal only shows', () => {
    expect(printable('QEMU 7.2.22 (Debian), ä ß € 漢字 🚢')).toBe('QEMU 7.2.22 (Debian), ä ß € 漢字 🚢');
  });

  it.each([
    ['a terminal escape', '\u001b[31mred', '\\u{1b}[31mred'],
    ['the one-byte form of that escape', '\u009b31m', '\\u{9b}31m'],
    ['a line break', 'a\nb\rc', 'a\\u{a}b\\u{d}c'],
    ['NUL and DEL', '\0\u007f', '\\u{0}\\u{7f}'],
    ['a change of direction', 'abc\u202ecba', 'abc\\u{202e}cba'],
    ['a separator of lines', 'a\u2028b\u2029c', 'a\\u{2028}b\\u{2029}c'],
    ['half a surrogate pair', 'a\ud83d', 'a\\u{d83d}'],
    ['a private character', '\ue000\u{10ffff}', '\\u{e000}\\u{10ffff}'],
  ])('escapes %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('lets no control, format or surrogate character through', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  it('cuts what is longer than its limit, and says so', () => {
    expect(printable('abcd', 4)).toBe('abcd');
    expect(printable('abcde', 4)).toBe('abcd...');
    expect(printable('x'.repeat(2000))).toBe(`${'x'.repeat(1024)}...`);
  });

  it('never shows half of a character that was cut', () => {
    expect(printable('abc🚢', 4)).toBe('abc\\u{d83d}...');
  });
});
