import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { writeStatefile } from '../../../../src/states/conversions/index.js';
import { ChunkedSource } from '../../../support/io/chunked-source.js';
import { MemoryOutput } from '../../../support/io/memory-output.js';
import { WHERE } from '../../../support/pull-parser/parsed.js';
import { readBack } from '../../../support/statefile/reading.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { BEGIN, HEADER, sampleState, statefileOf } from '../../../support/statefile/written-statefile.js';

const running = new AbortController().signal;
const STATEFILE = { header: HEADER, begin: BEGIN, frameBytes: 5000, maxState: 1 << 20 };

async function written(state: Uint8Array, sizes?: readonly number[], statefile = STATEFILE): Promise<Uint8Array> {
  const output = new MemoryOutput();
  await writeStatefile(new ChunkedSource(state, sizes), async () => output, statefile, WHERE, running);
  return output.bytes;
}

describe('writeStatefile', () => {
  it('writes the same file as a receiver of the same frames', async () => {
    for (const length of [0, 1, 4999, 5000, 5001, 20_000]) {
      const state = sampleState(length);
      expect(Buffer.compare(await written(state), await statefileOf(state, 5000))).toBe(0);
    }
  });

  it('writes the same file for chunks of any size, and the file contains the state', async () => {
    const state = sampleState(17_003);
    const whole = await written(state);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 4 }), async (sizes) => {
        expect(Buffer.compare(await written(state, sizes), whole)).toBe(0);
      }),
      { numRuns: 20 },
    );
    expect((await readBack(whole)).state.equals(state)).toBe(true);
  });

  it('refuses a state above the limit and discards the output', async () => {
    const output = new MemoryOutput();
    const work = writeStatefile(
      new ChunkedSource(sampleState(9000)),
      async () => output,
      { ...STATEFILE, maxState: 8999 },
      WHERE,
      running,
    );
    expect(await rejectionOf(work)).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { expected: 'at most 8999 bytes' },
    });
    expect(output.calls).toEqual(['discard']);
  });
});
