import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  BLOCK_ROOM,
  BLOCK_SIZE,
  hasValidChecksum,
  isBlank,
  padded,
  readCount,
  viewOf,
  writeChecksum,
  writeCount,
} from '../../../../src/formats/protocol/block.js';
import { xxh64 } from '../../../../src/formats/protocol/xxh64.js';
import { bitsOfBlock, counts, u64s } from '../../../support/protocol/arbitrary-values.js';
import { withFlippedBit } from '../../../support/protocol/flipped-bit.js';

const blocks = fc.uint8Array({ minLength: BLOCK_SIZE, maxLength: BLOCK_SIZE });

describe('the checksum of a block', () => {
  it('is the xxh64 of the first 4088 bytes, little-endian, in the last 8', () => {
    const block = new Uint8Array(BLOCK_SIZE).fill(7);
    writeChecksum(block, 3n);
    expect(BLOCK_ROOM).toBe(4088);
    expect(viewOf(block).getBigUint64(4088, true)).toBe(xxh64(block.subarray(0, 4088), 3n));
  });

  it('is valid for any content of the block', () => {
    fc.assert(
      fc.property(blocks, u64s, (block, seed) => {
        writeChecksum(block, seed);
        expect(hasValidChecksum(block, seed)).toBe(true);
      }),
    );
  });

  it('is invalid after any single bit was flipped, including the bits of the checksum', () => {
    fc.assert(
      fc.property(blocks, u64s, bitsOfBlock, (block, seed, bit) => {
        writeChecksum(block, seed);
        expect(hasValidChecksum(withFlippedBit(block, bit), seed)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('is invalid with the seed of another position', () => {
    fc.assert(
      fc.property(blocks, u64s, u64s, (block, seed, other) => {
        fc.pre(seed !== other);
        writeChecksum(block, seed);
        expect(hasValidChecksum(block, other)).toBe(false);
      }),
    );
  });

  it('is invalid in a blank block', () => {
    expect(hasValidChecksum(new Uint8Array(BLOCK_SIZE), 0n)).toBe(false);
  });
});

describe('isBlank', () => {
  it('detects a single byte that is not zero, at any offset', () => {
    expect(isBlank(new Uint8Array(BLOCK_SIZE))).toBe(true);
    fc.assert(
      fc.property(bitsOfBlock, (bit) => {
        expect(isBlank(withFlippedBit(new Uint8Array(BLOCK_SIZE), bit))).toBe(false);
      }),
    );
  });
});

describe('a count', () => {
  it('is the same after writing and reading', () => {
    fc.assert(
      fc.property(counts, (count) => {
        const view = new DataView(new ArrayBuffer(16));
        writeCount(view, 8, count);
        expect(readCount(view, 8)).toBe(count);
      }),
    );
  });

  it('is undefined above 2^53 - 1', () => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, 2n ** 53n, true);
    expect(readCount(view, 0)).toBeUndefined();
    view.setBigUint64(0, 2n ** 64n - 1n, true);
    expect(readCount(view, 0)).toBeUndefined();
  });
});

describe('padded', () => {
  it.each([
    [0, 0],
    [1, 4096],
    [4095, 4096],
    [4096, 4096],
    [4097, 8192],
    [1048577, 1052672],
  ])('rounds %i bytes up to %i', (length, blocksOf) => {
    expect(padded(length)).toBe(blocksOf);
  });
});
