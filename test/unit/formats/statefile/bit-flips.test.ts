import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { ChunkedSource } from '../../../support/io/chunked-source.js';
import { withFlippedBit } from '../../../support/protocol/flipped-bit.js';
import { readAnything } from '../../../support/statefile/reading.js';
import { SEED, seededRandom } from '../../../support/statefile/seeded-random.js';
import { sampleState, statefileOf } from '../../../support/statefile/written-statefile.js';

/** What reading `file` comes to: the place of the damage as it is reported, or what should not happen. */
async function outcomeOf(file: Uint8Array): Promise<number | string> {
  try {
    await readAnything(new ChunkedSource(file));
    return 'read as if it were whole';
  } catch (error) {
    if (!(error instanceof StubferryError)) return `threw ${String(error)}`;
    return error.details.offset ?? `${error.code} without an offset`;
  }
}

describe('a statefile with one bit flipped', () => {
  it('is refused, at the frame with the bit, wherever the bit is (1000 random places)', async () => {
    const file = await statefileOf(sampleState(20_000), 9000);
    const random = seededRandom(SEED);
    const wrong: unknown[] = [];
    for (let count = 0; count < 1000; count += 1) {
      const bit = random(file.length * 8);
      const outcome = await outcomeOf(withFlippedBit(file, bit));
      const block = Math.floor(bit / 8 / 4096) * 4096;
      // A payload of up to three blocks is reported at its first.
      const near = typeof outcome === 'number' && outcome <= block && block - outcome < 3 * 4096;
      if (!near) wrong.push({ seed: SEED, bit, outcome });
    }
    expect(wrong).toEqual([]);
  });

  it('is refused for every bit of the first and last byte of every block', async () => {
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
