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
  it('is decoded as it was encoded', () => {
    fc.assert(
      fc.property(superblocks, (superblock) => {
        const size = superblock.ringStart + superblock.ringLength;
        expect(decodeSuperblock(encodeSuperblock(superblock), 'disk', 0, size)).toEqual(superblock);
      }),
    );
  });

  it('with any single bit flipped is refused', () => {
    const block = encodeSuperblock(SUPERBLOCK);
    fc.assert(
      fc.property(bitsOfBlock, (bit) => {
        expect(errorOf(() => decode(withFlippedBit(block, bit)))).toBeInstanceOf(StubferryError);
      }),
      { numRuns: 1000 },
    );
  });

  it('is found in random bytes never, and refused with nothing but a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: BLOCK_SIZE, maxLength: BLOCK_SIZE }), (block) => {
        expect(errorOf(() => decode(block))).toMatchObject({ code: 'NOT_A_TRANSFER_DISK' });
      }),
    );
  });

  it('with random contents under a right magic and checksum gives a superblock or a typed error', () => {
    const places = fc.tuple(fc.integer({ min: 8, max: 119 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(places, { minLength: 1, maxLength: 40 }), (changes) => {
        const block = superblockWith((view) => {
          for (const [place, byte] of changes) view.setUint8(place, byte);
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

  it('of a newer minor version is accepted, and what that adds is ignored', () => {
    const block = superblockWith((view) => {
      view.setUint16(10, 9, true);
      view.setBigUint64(512, 0x1234n, true);
    });
    expect(decode(block)).toEqual(SUPERBLOCK);
  });

  it('cuts a long writer to 32 bytes', () => {
    const long = encodeSuperblock({ ...SUPERBLOCK, writer: 'x'.repeat(50) });
    expect(decode(long).writer).toBe('x'.repeat(32));
  });

  it('shows a writer with terminal escapes escaped', () => {
    const sly = encodeSuperblock({ ...SUPERBLOCK, writer: 'a\u001b[2Jb' });
    expect(decode(sly).writer).toBe('a\\u{1b}[2Jb');
  });

  it('may have a ring that ends with the disk', () => {
    expect(decodeSuperblock(encodeSuperblock(SUPERBLOCK), 'disk', 0, DISK_SIZE).ringLength).toBe(1 << 20);
  });

  it.each([
    ['payload', { maxPayload: 4096 }],
    ['payload', { maxPayload: 8 << 20, ringLength: 32 << 20 }],
    ['ring', { ringLength: 2 * (4096 + 65536) }],
    ['ring', { ringLength: 1 << 30 }],
    ['state', { maxState: 0 }],
    ['state', { maxState: 16 * 2 ** 40 }],
  ])('may have a %s right at a limit: %j', (_, fields) => {
    const superblock = { ...SUPERBLOCK, ...fields };
    expect(decodeSuperblock(encodeSuperblock(superblock), 'disk', 0, 2 ** 31)).toEqual(superblock);
  });
});
