import { describe, expect, it } from '@jest/globals';
import { ChunkedSource } from '../../../support/io/chunked-source.js';
import { readAnything, readBack, WHERE } from '../../../support/statefile/reading.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { SEED, seededRandom } from '../../../support/statefile/seeded-random.js';
import { sampleState, statefileOf } from '../../../support/statefile/written-statefile.js';

const FRAME = 10_000;
const STATE = sampleState(55_555);

describe('a truncated statefile', () => {
  it('is TRUNCATED at its end, for any multiple of 4096 bytes', async () => {
    const file = await statefileOf(STATE, FRAME);
    for (let length = 0; length < file.length; length += 4096) {
      expect(await rejectionOf(readBack(file.subarray(0, length)))).toMatchObject({
        code: 'TRUNCATED',
        details: { where: WHERE, offset: length },
      });
    }
  });

  it('is TRUNCATED at its end, for 200 random lengths', async () => {
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
    [4096 + 1, 'the statefile is truncated', 'a frame after HEADER'],
    [2 * 4096, 'the statefile is truncated', 'a frame after BEGIN'],
    [3 * 4096 + 5, 'the statefile is truncated', '12288 bytes of payload'],
  ])('is reported with what is missing after %i bytes', async (length, message, expected) => {
    const file = await statefileOf(STATE, FRAME);
    expect(await rejectionOf(readBack(file.subarray(0, length)))).toMatchObject({
      code: 'TRUNCATED',
      message,
      details: { offset: length, expected },
    });
  });

  it('is TRUNCATED when only one byte is missing', async () => {
    const file = await statefileOf(STATE, FRAME);
    expect(await rejectionOf(readBack(file.subarray(0, -1)))).toMatchObject({
      code: 'TRUNCATED',
      message: 'the statefile is truncated',
      details: { offset: file.length - 1, expected: 'a frame after INDEX' },
    });
  });

  it.each([
    [0, 'NOT_A_STATE', 0],
    [7, 'NOT_A_STATE', 0],
    [8, 'TRUNCATED', 8],
    [4095, 'TRUNCATED', 4095],
  ])('of %i bytes is %s when its format must be recognised first', async (length, code, offset) => {
    const file = await statefileOf(STATE, FRAME);
    expect(await rejectionOf(readAnything(new ChunkedSource(file.subarray(0, length))))).toMatchObject({
      code,
      details: { where: WHERE, offset },
    });
  });
});

describe('a statefile with data after its end', () => {
  it.each([1, 4096, 100_000])('(%i bytes) is CORRUPT at its end', async (length) => {
    const file = await statefileOf(STATE, FRAME);
    const longer = Buffer.concat([file, new Uint8Array(length)]);
    expect(await rejectionOf(readBack(longer))).toMatchObject({
      code: 'CORRUPT',
      message: 'unexpected data after the end of the statefile',
      details: { where: WHERE, offset: file.length },
    });
  });

  it('is CORRUPT even if the data is a second statefile', async () => {
    const file = await statefileOf(STATE, FRAME);
    expect(await rejectionOf(readBack(Buffer.concat([file, file])))).toMatchObject({
      code: 'CORRUPT',
      details: { offset: file.length },
    });
  });
});
