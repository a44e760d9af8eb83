import { describe, expect, it } from '@jest/globals';
import { breaksIn, countsOf } from './console-lines.js';

const CONSOLE = `(d1) Booting from 0000:7c00
(d1) n 00000001
(XEN) HVM d1v0 save: CPU
(d2) n 00000001
(d1) n 0000000a\r
(d3) 00b
(d3) n 0000000c
`;

describe("the lines of guests on Xen's console", () => {
  it('are selected by domain', () => {
    expect(countsOf(CONSOLE, [2])).toEqual([1]);
    expect(countsOf(CONSOLE, [1, 3])).toEqual([1, 10, 12]);
  });

  it('may lack the number that the guest was printing when it was moved', () => {
    expect(breaksIn([1, 2, 3, 5, 6])).toEqual([]);
  });

  it.each([
    ['restarts', [1, 2, 1, 2], ['2, then 1']],
    ['goes back', [7, 8, 8], ['8, then 8']],
    ['skips several numbers', [1, 4], ['1, then 4']],
  ])('show when a guest %s', (_what, counts, breaks) => {
    expect(breaksIn(counts)).toEqual(breaks);
  });
});
