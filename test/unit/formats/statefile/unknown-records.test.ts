import { describe, expect, it } from '@jest/globals';
import { HandmadeStatefile } from '../../../support/statefile/handmade-statefile.js';
import { readBack, WHERE } from '../../../support/statefile/reading.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

const OPTIONAL = 1;
const MANDATORY = 0;
const PAYLOAD = sampleState(5000);

describe('an optional record of an unknown type', () => {
  it.each<[string, (file: HandmadeStatefile) => HandmadeStatefile]>([
    ['before BEGIN', (file) => file.unknown(OPTIONAL, PAYLOAD).begin().data(sampleState(100))],
    ['before DATA', (file) => file.begin().unknown(OPTIONAL, PAYLOAD).data(sampleState(100))],
    ['after DATA', (file) => file.begin().data(sampleState(100)).unknown(OPTIONAL, PAYLOAD)],
    ['twice', (file) => file.begin().data(sampleState(100)).unknown(OPTIONAL, PAYLOAD).unknown(OPTIONAL, PAYLOAD)],
    ['without payload', (file) => file.begin().data(sampleState(100)).unknown(OPTIONAL, new Uint8Array(0))],
  ])('is skipped: %s', async (_, fill) => {
    const { state } = await readBack(fill(new HandmadeStatefile()).finish().bytes);
    expect(state.equals(sampleState(100))).toBe(true);
  });

  it('is still checked', async () => {
    const file = Buffer.from(new HandmadeStatefile().begin().unknown(OPTIONAL, PAYLOAD).finish().bytes);
    file.writeUInt8(file.readUInt8(12288) ^ 1, 12288);
    expect(await rejectionOf(readBack(file))).toMatchObject({
      code: 'CORRUPT',
      message: 'checksum mismatch in the payload of a frame',
      details: { where: WHERE, offset: 12288 },
    });
  });

  it('does not replace BEGIN', async () => {
    const file = new HandmadeStatefile().unknown(OPTIONAL, PAYLOAD).data(sampleState(1));
    expect(await rejectionOf(readBack(file.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'a record is out of order',
      details: { offset: 16384, expected: 'BEGIN', found: 'DATA' },
    });
  });

  it('is unexpected data after the last record', async () => {
    const file = new HandmadeStatefile().begin().finish().unknown(OPTIONAL, PAYLOAD);
    expect(await rejectionOf(readBack(file.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'unexpected data after the end of the statefile',
    });
  });
});

describe('a mandatory record of an unknown type', () => {
  it('is rejected with its number', async () => {
    const file = new HandmadeStatefile().begin().unknown(MANDATORY, PAYLOAD).finish();
    expect(await rejectionOf(readBack(file.bytes))).toMatchObject({
      code: 'UNKNOWN_RECORD',
      message: 'a mandatory record has an unknown type',
      details: { where: WHERE, offset: 8192, expected: 'types 1 to 6', found: '99' },
    });
  });
});
