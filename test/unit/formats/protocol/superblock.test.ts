import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { BLOCK_SIZE } from '../../../../src/formats/protocol/block.js';
import { decodeSuperblock, encodeSuperblock, type Superblock } from '../../../../src/formats/protocol/superblock.js';
import { bitsOfBlock, superblocks } from '../../../support/protocol/arbitrary-values.js';
import { errorOf } from '../../../support/protocol/error-of.js';
import { withFlippedBit } from '../../../support/protocol/flipped-bit.js';
import { DISK_SIZE, SUPERBLOCK, superblockWith } from '../../../support/protocol/sample-superblock.js';

const decode = (block: Uint8Array): Superblock => decodeSuperblock(block, '/dev/xvdz', 0, DISK_SIZE);

describe('a superblock', () => {
  it('is the same after encoding and decoding', () => {
    fc.assert(
      fc.property(superblocks, (superblock) => {
        const size = superblock.ringStart + superblock.ringLength;
        expect(decodeSuperblock(encodeSuperblock(superblock), 'disk', 0, size)).toEqual(superblock);
      }),
    );
  });

  it('is rejected with any single bit flipped', () => {
    const block = encodeSuperblock(SUPERBLOCK);
    fc.assert(
      fc.property(bitsOfBlock, (bit) => {
        expect(errorOf(() => decode(withFlippedBit(block, bit)))).toBeInstanceOf(StubferryError);
      }),
      { numRuns: 1000 },
    );
  });

  it('is never found in random bytes, which are rejected with a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: BLOCK_SIZE, maxLength: BLOCK_SIZE }), (block) => {
        expect(errorOf(() => decode(block))).toMatchObject({ code: 'NOT_A_TRANSFER_DISK' });
      }),
    );
  });

  it('with random fields and a valid magic and checksum is decoded or rejected with a typed error', () => {
    const changedBytes = fc.tuple(fc.integer({ min: 8, max: 119 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(changedBytes, { minLength: 1, maxLength: 40 }), (changes) => {
        const block = superblockWith((view) => {
          for (const [offset, byte] of changes) view.setUint8(offset, byte);
        });
        try {
          decode(block);
        } catch (error) {
          expect(error).toBeInstanceOf(StubferryError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is accepted with a higher minor version, whose additions are ignored', () => {
    const block = superblockWith((view) => {
      view.setUint16(10, 9, true);
      view.setBigUint64(512, 0x1234n, true);
    });
    expect(decode(block)).toEqual(SUPERBLOCK);
  });

  it('truncates a long writer to 32 bytes', () => {
    const long = encodeSuperblock({ ...SUPERBLOCK, writer: 'x'.repeat(50) });
    expect(decode(long).writer).toBe('x'.repeat(32));
  });

  it('returns the writer with terminal escapes escaped', () => {
    const withEscapes = encodeSuperblock({ ...SUPERBLOCK, writer: 'a\u001b[2Jb' });
    expect(decode(withEscapes).writer).toBe('a\\u{1b}[2Jb');
  });

  it('may have a ring that ends at the end of the disk', () => {
    expect(decodeSuperblock(encodeSuperblock(SUPERBLOCK), 'disk', 0, DISK_SIZE).ringLength).toBe(1 << 20);
  });

  it.each([
    ['payload', { maxPayload: 4096 }],
    ['payload', { maxPayload: 8 << 20, ringLength: 32 << 20 }],
    ['ring', { ringLength: 2 * (4096 + 65536) }],
    ['ring', { ringLength: 1 << 30 }],
    ['state', { maxState: 0 }],
    ['state', { maxState: 16 * 2 ** 40 }],
  ])('may have a %s size exactly at a limit: %j', (_, fields) => {
    const superblock = { ...SUPERBLOCK, ...fields };
    expect(decodeSuperblock(encodeSuperblock(superblock), 'disk', 0, 2 ** 31)).toEqual(superblock);
  });
});
