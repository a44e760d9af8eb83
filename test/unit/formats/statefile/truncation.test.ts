import { describe, expect, it } from '@jest/globals';
import { ChunkedSource } from '../../../support/io/chunked-source.js';
import { readAnything, readBack, WHERE } from '../../../support/statefile/reading.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { SEED, seededRandom } from '../../../support/statefile/seeded-random.js';
import { sampleState, statefileOf } from '../../../support/statefile/written-statefile.js';

const FRAME = 10_000;
const STATE = sampleState(55_555);

describe('a statefile cut off', () => {
  it('at any boundary of 4096 bytes is TRUNCATED there', async () => {
    const file = await statefileOf(STATE, FRAME);
    for (let length = 0; length < file.length; length += 4096) {
      expect(await rejectionOf(readBack(file.subarray(0, length)))).toMatchObject({
        code: 'TRUNCATED',
        details: { where: WHERE, offset: length },
      });
    }
  });

  it('at any of 200 random places is TRUNCATED there', async () => {
    const file = await statefileOf(STATE, FRAME);
    const random = seededRandom(SEED);
    for (let count = 0; count < 200; count += 1) {
      const length = random(file.length);
      const { code, details } = await rejectionOf(readBack(file.subarray(0, length), [4095]));
      expect({ seed: SEED, length, code, ...details }).toMatchObject({
        length,
        code: 'TRUNCATED',
        where: WHERE,
        offset: length,
      });
    }
  });

  it.each([
    [1000, 'the statefile ends within its header', '4096 bytes'],
    [4096 + 1, 'the statefile ends too early', 'a frame after HEADER'],
    [2 * 4096, 'the statefile ends too early', 'a frame after BEGIN'],
    [3 * 4096 + 5, 'the statefile ends too early', '12288 bytes of payload'],
  ])('after %i bytes says what is missing', async (length, message, expected) => {
    const file = await statefileOf(STATE, FRAME);
    expect(await rejectionOf(readBack(file.subarray(0, length)))).toMatchObject({
      code: 'TRUNCATED',
      message,
      details: { offset: length, expected },
    });
  });

  it('by one byte is TRUNCATED', async () => {
    const file = await statefileOf(STATE, FRAME);
    expect(await rejectionOf(readBack(file.subarray(0, -1)))).toMatchObject({
      code: 'TRUNCATED',
      message: 'the statefile ends too early',
      details: { offset: file.length - 1, expected: 'a frame after INDEX' },
    });
  });

  it.each([
    [0, 'NOT_A_STATE', 0],
    [7, 'NOT_A_STATE', 0],
    [8, 'TRUNCATED', 8],
    [4095, 'TRUNCATED', 4095],
  ])('to %i bytes, and not known to be a statefile, is %s', async (length, code, offset) => {
    const file = await statefileOf(STATE, FRAME);
    expect(await rejectionOf(readAnything(new ChunkedSource(file.subarray(0, length))))).toMatchObject({
      code,
      details: { where: WHERE, offset },
    });
  });
});

describe('a statefile with something after its end', () => {
  it.each([1, 4096, 100_000])('(%i bytes) is CORRUPT there', async (length) => {
    const file = await statefileOf(STATE, FRAME);
    const longer = Buffer.concat([file, new Uint8Array(length)]);
    expect(await rejectionOf(readBack(longer))).toMatchObject({
      code: 'CORRUPT',
      message: 'something follows the end of the statefile',
      details: { where: WHERE, offset: file.length },
    });
  });

  it('is CORRUPT even when that is a whole statefile again', async () => {
    const file = await statefileOf(STATE, FRAME);
    expect(await rejectionOf(readBack(Buffer.concat([file, file])))).toMatchObject({
      code: 'CORRUPT',
      details: { offset: file.length },
    });
  });
});
