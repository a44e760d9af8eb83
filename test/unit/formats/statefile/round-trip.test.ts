import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import * as golden from '../../../../fixtures/golden/values.mjs';
import { StatefileSink } from '../../../../src/formats/statefile/index.js';
import { MemoryOutput } from '../../../support/io/memory-output.js';
import { goldenBytes } from '../../../support/protocol/golden-bytes.js';
import { readBack } from '../../../support/statefile/reading.js';
import {
  BEGIN,
  feed,
  HEADER,
  sampleState,
  statefileBytes,
  statefileOf,
} from '../../../support/statefile/written-statefile.js';

const MiB = 1 << 20;

describe('a statefile', () => {
  it.each([0, 1, 4095, 4096, 4097, 65536, 65537, MiB + 1])('returns a state of %i bytes unchanged', async (length) => {
    const state = sampleState(length);
    const { state: back, reader } = await readBack(await statefileOf(state));
    expect(back.equals(state)).toBe(true);
    expect(reader.progress).toEqual({ bytes: length, frames: Math.ceil(length / 65536) });
  });

  it.each([1, 7, 4095, 4097])('returns its state unchanged when it is read %i bytes at a time', async (size) => {
    const state = sampleState(100_001);
    const { state: back } = await readBack(await statefileOf(state, 40_000), [size]);
    expect(back.equals(state)).toBe(true);
  });

  it('returns any state unchanged, with frames of any size and chunks of any sizes', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 8 });
    const lengths = fc.nat({ max: 30_000 });
    await fc.assert(
      fc.asyncProperty(lengths, fc.integer({ min: 500, max: 9000 }), sizes, async (length, frameBytes, chunks) => {
        const state = sampleState(length);
        const { state: back } = await readBack(await statefileOf(state, frameBytes), chunks);
        expect(back.equals(state)).toBe(true);
      }),
    );
  });

  it('returns its header, BEGIN, END and the length of the file', async () => {
    const file = await statefileOf(sampleState(10_000), 4096);
    const { reader } = await readBack(file);
    expect(reader.header).toEqual(HEADER);
    expect(reader.begin).toEqual(BEGIN);
    expect(reader.end).toMatchObject({ stateBytes: 10_000, dataFrames: 3 });
    expect(reader.end?.digests?.sha256).toHaveLength(32);
    expect(reader.fileBytes).toBe(file.length);
  });

  it('can omit the digests of the whole state', async () => {
    const { state, reader } = await readBack(await statefileOf(sampleState(5000), 4096, { ...BEGIN, sha256: false }));
    expect(state.equals(sampleState(5000))).toBe(true);
    expect(reader.end?.digests).toBeUndefined();
  });

  it('consists of whole blocks: header, BEGIN, DATA, END, INDEX, TRAILER', async () => {
    expect(await statefileOf(sampleState(0))).toHaveLength(5 * 4096);
    expect(await statefileOf(sampleState(10_000), 4096)).toHaveLength(statefileBytes([4096, 4096, 1808]));
  });

  it('can have more frames than its index has room for', async () => {
    const state = sampleState(5000 * 16);
    const { state: back, reader } = await readBack(await statefileOf(state, 16));
    expect(back.equals(state)).toBe(true);
    expect(reader.end?.dataFrames).toBe(5000);
  });
});

describe('the golden statefile', () => {
  const state = Buffer.concat([golden.PAYLOAD, golden.PAYLOAD]);

  it('is identical to the output of the sink', async () => {
    const output = new MemoryOutput();
    await feed(new StatefileSink(async () => output, golden.STATEFILE_HEADER), state, 5, golden.BEGIN);
    // The test compares offsets, so that a failure does not print 50 KB.
    const expected = goldenBytes('statefile');
    expect(output.bytes.findIndex((byte, offset) => byte !== expected[offset])).toBe(-1);
    expect(output.bytes.length).toBe(expected.length);
  });

  it('decodes to its values', async () => {
    const { state: back, reader } = await readBack(goldenBytes('statefile'));
    expect(back).toEqual(state);
    expect(reader.header).toEqual(golden.STATEFILE_HEADER);
    expect(reader.begin).toEqual(golden.BEGIN);
    expect(reader.end).toMatchObject({ stateBytes: 10, dataFrames: 2 });
  });
});

describe('StatefileSink', () => {
  it('restarts in a new output when the sender was restarted', async () => {
    const outputs: MemoryOutput[] = [];
    const sink = new StatefileSink(async () => {
      const output = new MemoryOutput();
      outputs.push(output);
      return output;
    }, HEADER);
    await sink.begin(BEGIN);
    await sink.discard();
    await feed(sink, sampleState(5000), 4096);
    expect(outputs.map(({ calls }) => calls)).toEqual([['discard'], ['commit']]);
    expect(outputs[1]?.bytes).toEqual(await statefileOf(sampleState(5000), 4096));
  });

  it('commits its output only after the last block was written', async () => {
    const output = new MemoryOutput();
    const bytesAtCommit: number[] = [];
    output.commit = async () => void bytesAtCommit.push(output.bytes.length);
    await feed(new StatefileSink(async () => output, HEADER), sampleState(100));
    expect(bytesAtCommit).toEqual([output.bytes.length]);
  });

  it('returns from discard whether the state was not committed yet', async () => {
    const sink = new StatefileSink(async () => new MemoryOutput(), HEADER);
    await sink.begin(BEGIN);
    expect(await sink.discard()).toBe(true);
    await feed(sink, sampleState(10));
    expect(await sink.discard()).toBe(false);
  });

  it('may be discarded before begin is called', async () => {
    const sink = new StatefileSink(async () => new MemoryOutput(), HEADER);
    expect(await sink.discard()).toBe(true);
  });
});
