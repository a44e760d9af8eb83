import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { ChunkedSource } from '../../../support/io/chunked-source.js';
import { withFlippedBit } from '../../../support/protocol/flipped-bit.js';
import { readAnything } from '../../../support/statefile/reading.js';
import { SEED, seededRandom } from '../../../support/statefile/seeded-random.js';
import { sampleState, statefileOf } from '../../../support/statefile/written-statefile.js';

/** Returns the offset of the damage that reading `file` reports, or a description of an unexpected outcome. */
async function outcomeOf(file: Uint8Array): Promise<number | string> {
  try {
    await readAnything(new ChunkedSource(file));
    return 'read without an error';
  } catch (error) {
    if (!(error instanceof StubferryError)) return `threw ${String(error)}`;
    return error.details.offset ?? `${error.code} without an offset`;
  }
}

describe('a statefile with one bit flipped', () => {
  it('is rejected at the frame with the bit, for 1000 random bits', async () => {
    const file = await statefileOf(sampleState(20_000), 9000);
    const random = seededRandom(SEED);
    const wrong: unknown[] = [];
    for (let count = 0; count < 1000; count += 1) {
      const bit = random(file.length * 8);
      const outcome = await outcomeOf(withFlippedBit(file, bit));
      const block = Math.floor(bit / 8 / 4096) * 4096;
      // An error in a payload of up to three blocks is reported at its first block.
      const near = typeof outcome === 'number' && outcome <= block && block - outcome < 3 * 4096;
      if (!near) wrong.push({ seed: SEED, bit, outcome });
    }
    expect(wrong).toEqual([]);
  });

  it('is rejected for every bit of the first and last byte of every block', async () => {
    const file = await statefileOf(sampleState(5000), 3000);
    const survivors: unknown[] = [];
    for (let block = 0; block < file.length; block += 4096) {
      for (let bit = 0; bit < 8; bit += 1) {
        for (const byte of [block, block + 4095]) {
          const outcome = await outcomeOf(withFlippedBit(file, byte * 8 + bit));
          if (typeof outcome !== 'number') survivors.push({ byte, bit, outcome });
        }
      }
    }
    expect(survivors).toEqual([]);
  });
});
