import { describe, expect, it } from '@jest/globals';
import { BLOCK_SIZE } from '../../../../src/formats/protocol/block.js';
import { checkLimits, decodeSuperblock, encodeSuperblock } from '../../../../src/formats/protocol/superblock.js';
import { errorOf } from '../../../support/protocol/error-of.js';
import { DISK_SIZE, SUPERBLOCK, superblockWith } from '../../../support/protocol/sample-superblock.js';

const refusal = (block: Uint8Array, diskSize = DISK_SIZE): unknown =>
  errorOf(() => decodeSuperblock(block, '/dev/xvdz', BLOCK_SIZE, diskSize));

const location = { where: '/dev/xvdz', offset: BLOCK_SIZE };

describe('a superblock is rejected', () => {
  it('without its magic', () => {
    expect(refusal(Buffer.concat([Buffer.from('\u001bSTUBFER'), Buffer.alloc(4088)]))).toMatchObject({
      code: 'NOT_A_TRANSFER_DISK',
      message: 'the disk does not begin with a superblock',
      details: { ...location, expected: 'magic "STUBFERY"', found: '"\\\\u{1b}STUBFER"' },
    });
  });

  it('with an invalid checksum', () => {
    const block = encodeSuperblock(SUPERBLOCK);
    block[4095] = (block[4095] ?? 0) ^ 1;
    expect(refusal(block)).toMatchObject({
      code: 'CORRUPT',
      message: 'checksum mismatch in the superblock',
      details: location,
    });
  });

  it('with its version and writer when its checksum is valid and its major version is another one', () => {
    const block = superblockWith((view) => {
      view.setUint16(8, 2, true);
      view.setUint16(10, 5, true);
    });
    expect(refusal(block)).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      message: 'the transfer disk has an unsupported format version',
      details: { ...location, expected: 'format 1.x', found: 'format 2.5, written by stubferry 0.1.0' },
    });
  });

  it.each<[string, (view: DataView) => void, string, string]>([
    ['block size', (view) => view.setUint32(12, 512, true), '4096', '512'],
    ['ring start', (view) => view.setUint32(16, 65537, true), 'a multiple of 4096 from 65536', '65537'],
    ['ring start', (view) => view.setUint32(16, 61440, true), 'a multiple of 4096 from 65536', '61440'],
    [
      'ring start',
      (view) => view.setBigUint64(16, 2n ** 53n, true),
      'a multiple of 4096 from 65536',
      'a number above 2^53',
    ],
    ['direction', (view) => view.setUint8(68, 0), '1 (save) or 2 (restore)', '0'],
    ['direction', (view) => view.setUint8(68, 3), '1 (save) or 2 (restore)', '3'],
  ])('for a wrong %s', (what, change, expected, found) => {
    expect(refusal(superblockWith(change))).toMatchObject({
      code: 'CORRUPT',
      message: `invalid ${what} in the superblock`,
      details: { ...location, expected, found },
    });
  });

  it.each<[string, (view: DataView) => void, string]>([
    ['a ring that does not consist of whole blocks', (view) => view.setUint32(24, 1048577, true), '1048577'],
    ['a ring above 2^53', (view) => view.setBigUint64(24, 2n ** 60n, true), 'a number above 2^53'],
    ['a ring that ends after the disk', (view) => view.setUint32(24, 1052672, true), '1052672'],
    ['a ring that begins after the disk', (view) => view.setBigUint64(16, 2n ** 40n, true), '1048576'],
  ])('for %s', (_, change, found) => {
    expect(refusal(superblockWith(change))).toMatchObject({
      code: 'CORRUPT',
      message: 'invalid ring length in the superblock',
      details: { ...location, expected: 'a multiple of 4096 that fits into 1114112 bytes of disk', found },
    });
  });

  it('on a disk that is one byte too small for its ring', () => {
    expect(refusal(encodeSuperblock(SUPERBLOCK), DISK_SIZE - 1)).toMatchObject({ code: 'CORRUPT' });
  });

  it.each([
    ['the largest payload of a frame', { maxPayload: 4095 }, '4096 to 8388608 bytes', '4095 bytes'],
    ['the largest payload of a frame', { maxPayload: 8388609 }, '4096 to 8388608 bytes', '8388609 bytes'],
    ['the ring', { ringLength: 135168 }, '139264 to 1073741824 bytes', '135168 bytes'],
    ['the ring', { ringLength: 61440, maxPayload: 4096 }, '65536 to 1073741824 bytes', '61440 bytes'],
    ['the ring', { ringLength: 2 ** 30 + 4096 }, '139264 to 1073741824 bytes', '1073745920 bytes'],
    ['the largest state', { maxState: 2 ** 44 + 1 }, '0 to 17592186044416 bytes', '17592186044417 bytes'],
  ])('for a size outside of its limits: %s, %j', (what, fields, expected, found) => {
    expect(refusal(encodeSuperblock({ ...SUPERBLOCK, ...fields }), 2 ** 40)).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: `${what} is outside of its limits`,
      details: { where: '/dev/xvdz', expected, found },
    });
  });

  it('for a largest state that exceeds the safe integers', () => {
    const block = superblockWith((view) => view.setBigUint64(80, 2n ** 64n - 1n, true));
    expect(refusal(block)).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'the largest state is outside of its limits',
    });
  });
});

describe('checkLimits', () => {
  it('accepts a superblock that is within all limits', () => {
    expect(() => checkLimits(SUPERBLOCK, 'disk')).not.toThrow();
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('rejects %p bytes of state', (maxState) => {
    expect(errorOf(() => checkLimits({ ...SUPERBLOCK, maxState }, 'disk'))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
  });
});
