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

  it('checks for whatever the block says', () => {
    fc.assert(
      fc.property(blocks, u64s, (block, seed) => {
        writeChecksum(block, seed);
        expect(hasValidChecksum(block, seed)).toBe(true);
      }),
    );
  });

  it('does not check after any single bit was flipped, in the checksum itself too', () => {
    fc.assert(
      fc.property(blocks, u64s, bitsOfBlock, (block, seed, bit) => {
        writeChecksum(block, seed);
        expect(hasValidChecksum(withFlippedBit(block, bit), seed)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('does not check with the seed of another place', () => {
    fc.assert(
      fc.property(blocks, u64s, u64s, (block, seed, other) => {
        fc.pre(seed !== other);
        writeChecksum(block, seed);
        expect(hasValidChecksum(block, other)).toBe(false);
      }),
    );
  });

  it('does not check on a blank block', () => {
    expect(hasValidChecksum(new Uint8Array(BLOCK_SIZE), 0n)).toBe(false);
  });
});

describe('isBlank', () => {
  it('sees one byte that is not zero, wherever it is', () => {
    expect(isBlank(new Uint8Array(BLOCK_SIZE))).toBe(true);
    fc.assert(
      fc.property(bitsOfBlock, (bit) => {
        expect(isBlank(withFlippedBit(new Uint8Array(BLOCK_SIZE), bit))).toBe(false);
      }),
    );
  });
});

describe('a count', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(counts, (count) => {
        const view = new DataView(new ArrayBuffer(16));
        writeCount(view, 8, count);
        expect(readCount(view, 8)).toBe(count);
      }),
    );
  });

  it('above 2^53 - 1 is no count', () => {
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
  ])('%i bytes take %i', (length, blocksOf) => {
    expect(padded(length)).toBe(blocksOf);
  });
});
