import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ALIGNMENT, AlignedMemory, alignedBuffer, roundUp } from '../../../src/blockdev-utils/index.js';
import { errorOf } from '../../support/protocol/error-of.js';

describe('AlignedMemory', () => {
  it('returns aligned buffers of exactly the requested lengths that do not overlap', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(lengths, (wanted) => {
        const memory = new AlignedMemory(wanted.reduce((sum, length) => sum + roundUp(length), 0));
        const buffers = wanted.map((length) => memory.take(length));
        expect(buffers.map(({ length }) => length)).toEqual(wanted);
        expect(buffers.every(({ byteOffset }) => byteOffset % ALIGNMENT === 0)).toBe(true);
        for (const [index, buffer] of buffers.entries()) buffer.fill(index + 1);
        expect(buffers.every((buffer, index) => buffer.every((byte) => byte === index + 1))).toBe(true);
      }),
    );
  });

  it('is zeroed', () => {
    expect(alignedBuffer(10_000).every((byte) => byte === 0)).toBe(true);
  });

  it('allocates no more than its length, although WebAssembly memory has pages of 64 KiB', () => {
    const memory = new AlignedMemory(4097);
    memory.take(4096);
    expect(errorOf(() => memory.take(4097))).toEqual(
      new RangeError('aligned memory of 8192 bytes has fewer than 8192 bytes left'),
    );
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
  ])('rounds %i up to a multiple of %i: %i', (length, unit, rounded) => {
    expect(roundUp(length, unit)).toBe(rounded);
  });
});
