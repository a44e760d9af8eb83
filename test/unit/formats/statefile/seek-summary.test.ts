import { writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type StatefileSummary, seekSummary } from '../../../../src/formats/statefile/index.js';
import { FileSource } from '../../../../src/io/index.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';
import { HandmadeStatefile } from '../../../support/statefile/handmade-statefile.js';
import { readBack, WHERE } from '../../../support/statefile/reading.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { sampleState, statefileOf } from '../../../support/statefile/written-statefile.js';

const STATE = sampleState(30_000);

describe('seekSummary', () => {
  const scratch = scratchFolder();

  async function summary(bytes: Uint8Array): Promise<StatefileSummary> {
    const path = scratch('state');
    writeFileSync(path, bytes);
    const file = await FileSource.open(path);
    try {
      return await seekSummary(file, WHERE);
    } finally {
      await file.close();
    }
  }

  it('returns the same description as reading the whole file', async () => {
    const file = await statefileOf(STATE, 4096);
    const { reader } = await readBack(file);
    const { header, begin, end, fileBytes } = reader;
    expect(await summary(file)).toEqual({ header, begin, end, fileBytes });
  });

  it('does not read the data', async () => {
    const file = await statefileOf(STATE, 4096);
    const damaged = Buffer.from(file).fill(0, 8192, 16384);
    expect(await summary(damaged)).toEqual(await summary(file));
  });

  it.each([
    ['one byte is missing', -1],
    ['the last block is missing', -4096],
    ['most of the file is missing', 2 * 4096],
    ['the file ends within a payload', 3 * 4096 + 5],
  ])('finds no TRAILER when %s', async (_, length) => {
    const truncated = (await statefileOf(STATE, 4096)).subarray(0, length);
    expect(await rejectionOf(summary(truncated))).toMatchObject({
      code: 'TRUNCATED',
      message: 'the statefile has no TRAILER record at the expected offset',
      details: {
        where: WHERE,
        offset: truncated.length - 4096,
        expected: expect.stringContaining('TRAILER frame'),
      },
    });
  });

  it.each([0, 8, 4096, 5000])('finds no BEGIN in %i bytes', async (length) => {
    const truncated = (await statefileOf(STATE, 4096)).subarray(0, length);
    expect(await rejectionOf(summary(truncated))).toMatchObject({
      code: 'TRUNCATED',
      details: { where: WHERE, offset: length },
    });
  });

  it.each([1, 4096])('finds no TRAILER when %i bytes follow it', async (length) => {
    const longer = Buffer.concat([await statefileOf(STATE, 4096), new Uint8Array(length)]);
    expect(await rejectionOf(summary(longer))).toMatchObject({
      code: 'TRUNCATED',
      message: 'the statefile has no TRAILER record at the expected offset',
    });
  });

  it('rejects a TRAILER that does not match the length of the file', async () => {
    const file = new HandmadeStatefile().begin().end().index().trailer(8192, 12288, 40960);
    expect(await rejectionOf(summary(file.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'the TRAILER record does not match the length of the file',
      details: { where: WHERE, offset: 16384, expected: '40960 bytes', found: '20480 bytes' },
    });
  });

  it.each([
    ['of another frame', 12288],
    ['of the file header', 0],
    ['within a block', 8193],
    ['after the end of the file', 2 ** 50],
  ])('finds no END at an offset %s', async (_, endOffset) => {
    const file = new HandmadeStatefile().begin().end().index().trailer(endOffset, 12288);
    expect(await rejectionOf(summary(file.bytes))).toMatchObject({
      code: 'TRUNCATED',
      message: 'the statefile has no END record at the expected offset',
      details: { where: WHERE, offset: endOffset, expected: expect.stringContaining('END frame') },
    });
  });

  it('does not accept an END that was written for another position', async () => {
    const file = new HandmadeStatefile().begin().frame({ type: 'end', position: 12288 });
    file.index(new Uint8Array(0), 0).trailer(8192, 12288);
    expect(await rejectionOf(summary(file.bytes))).toMatchObject({
      code: 'TRUNCATED',
      message: 'the statefile has no END record at the expected offset',
      details: { offset: 8192 },
    });
  });

  it('rejects an END whose record is damaged, at its offset', async () => {
    const file = new HandmadeStatefile().begin().frame({ type: 'end', record: Uint8Array.of(0x0f) });
    file.index(new Uint8Array(0), 0).trailer(8192, 12288);
    expect(await rejectionOf(summary(file.bytes))).toMatchObject({
      code: 'CORRUPT',
      details: { where: WHERE, offset: 8192 },
    });
  });
});
