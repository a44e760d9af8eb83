import { describe, expect, it } from '@jest/globals';
import { viewOf, writeChecksum } from '../../../../src/formats/protocol/block.js';
import { encodeBegin, encodeEnd } from '../../../../src/formats/protocol/records.js';
import { decodeStatefileHeader, encodeStatefileHeader } from '../../../../src/formats/statefile/file-header.js';
import { errorOf } from '../../../support/protocol/error-of.js';
import { HandmadeStatefile } from '../../../support/statefile/handmade-statefile.js';
import { readBack, WHERE } from '../../../support/statefile/reading.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { BEGIN, HEADER, sampleState } from '../../../support/statefile/written-statefile.js';

const PIECE = sampleState(100);
const made = (): HandmadeStatefile => new HandmadeStatefile().begin().data(PIECE);

describe('the header of a statefile', () => {
  const resealed = (change: (view: DataView) => void): Uint8Array => {
    const block = encodeStatefileHeader(HEADER);
    change(viewOf(block));
    writeChecksum(block, 0n);
    return block;
  };

  it('is decoded as it was encoded', () => {
    expect(decodeStatefileHeader(encodeStatefileHeader(HEADER), WHERE)).toEqual(HEADER);
  });

  it('of a newer minor version is accepted', () => {
    expect(
      decodeStatefileHeader(
        resealed((view) => view.setUint16(10, 7, true)),
        WHERE,
      ),
    ).toEqual(HEADER);
  });

  it('shows a writer with terminal escapes escaped', () => {
    const block = encodeStatefileHeader({ ...HEADER, writer: '\u001b[2J' });
    expect(decodeStatefileHeader(block, WHERE).writer).toBe('\\u{1b}[2J');
  });

  it.each<[string, Uint8Array, string, string, number]>([
    ['magic', new Uint8Array(4096), 'NOT_A_STATE', 'this is no statefile', 0],
    [
      'checksum',
      encodeStatefileHeader(HEADER).fill(1, 2000, 2001),
      'CORRUPT',
      'the header of the statefile is damaged',
      0,
    ],
    [
      'major version',
      resealed((view) => view.setUint16(8, 2, true)),
      'UNSUPPORTED_VERSION',
      'the statefile has another format version',
      8,
    ],
  ])('with another %s is refused', (_, block, code, message, offset) => {
    const details = { where: WHERE, offset };
    expect(errorOf(() => decodeStatefileHeader(block, WHERE))).toMatchObject({ code, message, details });
  });

  it('of another major version says which, and by whom', () => {
    const block = resealed((view) => view.setUint16(8, 2, true));
    expect(errorOf(() => decodeStatefileHeader(block, WHERE))).toMatchObject({
      details: { expected: 'format 1.x', found: 'format 2.0, written by stubferry 0.1.0' },
    });
  });
});

describe('BEGIN and END of a statefile', () => {
  it('that are no records are refused at their frame', async () => {
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

  it('that disagree about the digests are refused', async () => {
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

describe('END that does not say what came', () => {
  const digests = { xxh64: new Uint8Array(8), sha256: new Uint8Array(32) };

  it.each([
    ['length', { stateBytes: 99 }],
    ['count of data frames', { dataFrames: 2 }],
    ['chain', { chain: 1n }],
    ['xxh64', { digests }],
  ])('is refused for its %s', async (what, change) => {
    expect(await rejectionOf(readBack(made().end(change).bytes))).toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: `the ${what} of the whole state is not what END says`,
      details: { where: WHERE, offset: 16384 },
    });
  });
});

describe('INDEX that does not say where DATA is', () => {
  const entry = (...numbers: number[]): Uint8Array =>
    new Uint8Array(BigUint64Array.from(numbers, (number) => BigInt(number)).buffer);

  it.each([
    ['another place', entry(0, 12288), 1],
    ['one too few', new Uint8Array(0), 0],
    ['one too many', entry(0, 8192, 100, 16384), 2],
    ['a count that is not its own', entry(0, 8192), 2],
    ['half an entry', entry(0, 8192).subarray(0, 8), 1],
  ])('is refused: %s', async (_, entries, count) => {
    expect(await rejectionOf(readBack(made().end().index(entries, count).trailer(16384, 20480).bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'INDEX is not what the file holds',
      details: { where: WHERE, offset: 20480 },
    });
  });
});

describe('TRAILER that does not say where END and INDEX are', () => {
  it.each([
    ['END', 12288, 20480, undefined],
    ['INDEX', 16384, 16384, undefined],
    ['the length of the file', 16384, 20480, 4096],
  ])('is refused: %s', async (_, endOffset, indexOffset, fileBytes) => {
    const file = made().end().index().trailer(endOffset, indexOffset, fileBytes);
    expect(await rejectionOf(readBack(file.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'TRAILER is not what the file holds',
      details: {
        where: WHERE,
        offset: 28672,
        expected: 'END at 16384, INDEX at 20480, 32768 bytes',
        found: `END at ${endOffset}, INDEX at ${indexOffset}, ${fileBytes ?? 32768} bytes`,
      },
    });
  });
});
