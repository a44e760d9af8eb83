import { describe, expect, it } from '@jest/globals';
import { viewOf, writeChecksum } from '../../../../src/formats/protocol/block.js';
import { encodeBegin, encodeEnd } from '../../../../src/formats/protocol/records.js';
import { decodeStatefileHeader, encodeStatefileHeader } from '../../../../src/formats/statefile/file-header.js';
import { errorOf } from '../../../support/protocol/error-of.js';
import { HandmadeStatefile } from '../../../support/statefile/handmade-statefile.js';
import { readBack, WHERE } from '../../../support/statefile/reading.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { BEGIN, HEADER, sampleState } from '../../../support/statefile/written-statefile.js';

const CHUNK = sampleState(100);
const made = (): HandmadeStatefile => new HandmadeStatefile().begin().data(CHUNK);

describe('the header of a statefile', () => {
  const withChange = (change: (view: DataView) => void): Uint8Array => {
    const block = encodeStatefileHeader(HEADER);
    change(viewOf(block));
    writeChecksum(block, 0n);
    return block;
  };

  it('is the same after encoding and decoding', () => {
    expect(decodeStatefileHeader(encodeStatefileHeader(HEADER), WHERE)).toEqual(HEADER);
  });

  it('is accepted with a higher minor version', () => {
    expect(
      decodeStatefileHeader(
        withChange((view) => view.setUint16(10, 7, true)),
        WHERE,
      ),
    ).toEqual(HEADER);
  });

  it('returns the writer with terminal escapes escaped', () => {
    const block = encodeStatefileHeader({ ...HEADER, writer: '\u001b[2J' });
    expect(decodeStatefileHeader(block, WHERE).writer).toBe('\\u{1b}[2J');
  });

  it.each<[string, Uint8Array, string, string, number]>([
    ['magic', new Uint8Array(4096), 'NOT_A_STATE', 'the input is not a statefile', 0],
    [
      'checksum',
      encodeStatefileHeader(HEADER).fill(1, 2000, 2001),
      'CORRUPT',
      'checksum mismatch in the header of the statefile',
      0,
    ],
    [
      'major version',
      withChange((view) => view.setUint16(8, 2, true)),
      'UNSUPPORTED_VERSION',
      'the statefile has an unsupported format version',
      8,
    ],
  ])('is rejected with a wrong %s', (_, block, code, message, offset) => {
    const details = { where: WHERE, offset };
    expect(errorOf(() => decodeStatefileHeader(block, WHERE))).toMatchObject({ code, message, details });
  });

  it('is rejected with its version and writer when the major version is another one', () => {
    const block = withChange((view) => view.setUint16(8, 2, true));
    expect(errorOf(() => decodeStatefileHeader(block, WHERE))).toMatchObject({
      details: { expected: 'format 1.x', found: 'format 2.0, written by stubferry 0.1.0' },
    });
  });
});

describe('BEGIN and END of a statefile', () => {
  it('are rejected at the offset of their frame when they cannot be decoded', async () => {
    const noBegin = new HandmadeStatefile().begin(Uint8Array.of(0x0f));
    expect(await rejectionOf(readBack(noBegin.bytes))).toMatchObject({
      code: 'CORRUPT',
      details: { where: WHERE, offset: 4096 },
    });
    const noEnd = made().frame({ type: 'end', record: Uint8Array.of(0x0f) });
    expect(await rejectionOf(readBack(noEnd.bytes))).toMatchObject({
      code: 'CORRUPT',
      details: { where: WHERE, offset: 16384 },
    });
  });

  it('are rejected when END lacks the digests that BEGIN announces', async () => {
    const end = encodeEnd({ stateBytes: 0, dataFrames: 0, chain: 0n, digests: undefined });
    const file = new HandmadeStatefile()
      .begin(encodeBegin({ ...BEGIN, sha256: true }))
      .frame({ type: 'end', record: end });
    expect(await rejectionOf(readBack(file.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'END record: xxh64 is not valid',
      details: { where: WHERE, offset: 8192 },
    });
  });
});

describe('END that does not match the data', () => {
  const digests = { xxh64: new Uint8Array(8), sha256: new Uint8Array(32) };

  it.each([
    ['length', { stateBytes: 99 }],
    ['count of data frames', { dataFrames: 2 }],
    ['chain', { chain: 1n }],
    ['xxh64', { digests }],
  ])('is rejected for its %s', async (what, change) => {
    expect(await rejectionOf(readBack(made().end(change).bytes))).toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: `the ${what} of the state differs from its END record`,
      details: { where: WHERE, offset: 16384 },
    });
  });
});

describe('INDEX that does not match the offsets of DATA', () => {
  const entry = (...numbers: number[]): Uint8Array =>
    new Uint8Array(BigUint64Array.from(numbers, (number) => BigInt(number)).buffer);

  it.each([
    ['another offset', entry(0, 12288), 1],
    ['one entry too few', new Uint8Array(0), 0],
    ['one entry too many', entry(0, 8192, 100, 16384), 2],
    ['a count that differs from the number of entries', entry(0, 8192), 2],
    ['half an entry', entry(0, 8192).subarray(0, 8), 1],
  ])('is rejected: %s', async (_, entries, count) => {
    expect(await rejectionOf(readBack(made().end().index(entries, count).trailer(16384, 20480).bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'the INDEX record does not match the contents of the file',
      details: { where: WHERE, offset: 20480 },
    });
  });
});

describe('TRAILER that does not match the file', () => {
  it.each([
    ['the offset of END', 12288, 20480, undefined],
    ['the offset of INDEX', 16384, 16384, undefined],
    ['the length of the file', 16384, 20480, 4096],
  ])('is rejected: %s', async (_, endOffset, indexOffset, fileBytes) => {
    const file = made().end().index().trailer(endOffset, indexOffset, fileBytes);
    expect(await rejectionOf(readBack(file.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'the TRAILER record does not match the contents of the file',
      details: {
        where: WHERE,
        offset: 28672,
        expected: 'END at 16384, INDEX at 20480, 32768 bytes',
        found: `END at ${endOffset}, INDEX at ${indexOffset}, ${fileBytes ?? 32768} bytes`,
      },
    });
  });
});
