import { describe, expect, it } from '@jest/globals';
import { HandmadeStatefile } from '../../../support/statefile/handmade-statefile.js';
import { readBack, WHERE } from '../../../support/statefile/reading.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

const OPTIONAL = 1;
const MANDATORY = 0;
const NEWS = sampleState(5000);

describe('an optional record of an unknown type', () => {
  it.each<[string, (file: HandmadeStatefile) => HandmadeStatefile]>([
    ['before BEGIN', (file) => file.unknown(OPTIONAL, NEWS).begin().data(sampleState(100))],
    ['before DATA', (file) => file.begin().unknown(OPTIONAL, NEWS).data(sampleState(100))],
    ['after DATA', (file) => file.begin().data(sampleState(100)).unknown(OPTIONAL, NEWS)],
    ['twice', (file) => file.begin().data(sampleState(100)).unknown(OPTIONAL, NEWS).unknown(OPTIONAL, NEWS)],
    ['without payload', (file) => file.begin().data(sampleState(100)).unknown(OPTIONAL, new Uint8Array(0))],
  ])('is passed over: %s', async (_, fill) => {
    const { state } = await readBack(fill(new HandmadeStatefile()).finish().bytes);
    expect(state.equals(sampleState(100))).toBe(true);
  });

  it('is checked all the same', async () => {
    const file = Buffer.from(new HandmadeStatefile().begin().unknown(OPTIONAL, NEWS).finish().bytes);
    file.writeUInt8(file.readUInt8(12288) ^ 1, 12288);
    expect(await rejectionOf(readBack(file))).toMatchObject({
      code: 'CORRUPT',
      message: 'the payload does not match its checksum',
      details: { where: WHERE, offset: 12288 },
    });
  });

  it('does not stand in for BEGIN', async () => {
    const file = new HandmadeStatefile().unknown(OPTIONAL, NEWS).data(sampleState(1));
    expect(await rejectionOf(readBack(file.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'a record out of order',
      details: { offset: 16384, expected: 'BEGIN', found: 'DATA' },
    });
  });

  it('after the last record is something after the end', async () => {
    const file = new HandmadeStatefile().begin().finish().unknown(OPTIONAL, NEWS);
    expect(await rejectionOf(readBack(file.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'something follows the end of the statefile',
    });
  });
});

describe('a mandatory record of an unknown type', () => {
  it('is refused by its number', async () => {
    const file = new HandmadeStatefile().begin().unknown(MANDATORY, NEWS).finish();
    expect(await rejectionOf(readBack(file.bytes))).toMatchObject({
      code: 'UNKNOWN_RECORD',
      message: 'a mandatory record of an unknown type',
      details: { where: WHERE, offset: 8192, expected: 'types 1 to 6', found: '99' },
    });
  });
});
