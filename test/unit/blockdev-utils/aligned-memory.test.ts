import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ALIGNMENT, AlignedMemory, alignedBuffer, roundUp } from '../../../src/blockdev-utils/index.js';
import { errorOf } from '../../support/protocol/error-of.js';

describe('AlignedMemory', () => {
  it('gives pieces of just the length asked for, aligned, and apart from each other', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(lengths, (wanted) => {
        const memory = new AlignedMemory(wanted.reduce((sum, length) => sum + roundUp(length), 0));
        const pieces = wanted.map((length) => memory.take(length));
        expect(pieces.map(({ length }) => length)).toEqual(wanted);
        expect(pieces.every(({ byteOffset }) => byteOffset % ALIGNMENT === 0)).toBe(true);
        for (const [place, piece] of pieces.entries()) piece.fill(place + 1);
        expect(pieces.every((piece, place) => piece.every((byte) => byte === place + 1))).toBe(true);
      }),
    );
  });

  it('is zeroed', () => {
    expect(alignedBuffer(10_000).every((byte) => byte === 0)).toBe(true);
  });

  it('gives no more than it was made for, though WebAssembly memory comes in 64 KiB', () => {
    const memory = new AlignedMemory(4097);
    memory.take(4096);
    expect(errorOf(() => memory.take(4097))).toEqual(new RangeError('aligned memory of 8192 bytes has no 8192 left'));
    expect(memory.take(4096)).toHaveLength(4096);
    expect(errorOf(() => memory.take(1))).toBeInstanceOf(RangeError);
  });
});

describe('roundUp', () => {
  it.each([
    [0, 4096, 0],
    [1, 4096, 4096],
    [4096, 4096, 4096],
    [4097, 4096, 8192],
    [10, 3, 12],
  ])('%i to whole %i is %i', (length, unit, rounded) => {
    expect(roundUp(length, unit)).toBe(rounded);
  });
});
