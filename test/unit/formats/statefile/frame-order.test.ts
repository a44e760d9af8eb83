import { describe, expect, it } from '@jest/globals';
import { StatefileReader } from '../../../../src/formats/statefile/index.js';
import { ChunkedSource } from '../../../support/io/chunked-source.js';
import { HandmadeStatefile } from '../../../support/statefile/handmade-statefile.js';
import { readBack, WHERE } from '../../../support/statefile/reading.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { sampleState, statefileOf } from '../../../support/statefile/written-statefile.js';

const CHUNK = sampleState(100);

const anyCase = (text: string): unknown => expect.stringMatching(new RegExp(`^${text}$`, 'i'));

describe('a statefile made frame by frame', () => {
  it('is identical to the one that the sink writes', async () => {
    const made = new HandmadeStatefile().begin().data(sampleState(4096)).finish();
    expect(made.bytes).toEqual(await statefileOf(sampleState(4096)));
  });
});

describe('a record out of order', () => {
  it.each([
    ['DATA first', () => new HandmadeStatefile().data(CHUNK), 4096, 'BEGIN', 'DATA'],
    ['a second BEGIN', () => new HandmadeStatefile().begin().begin(), 8192, 'DATA or END', 'BEGIN'],
    ['INDEX before END', () => new HandmadeStatefile().begin().index(), 8192, 'DATA or END', 'INDEX'],
    ['TRAILER before END', () => new HandmadeStatefile().begin().trailer(0, 0), 8192, 'DATA or END', 'TRAILER'],
    [
      'DATA after END',
      () => new HandmadeStatefile().begin().end().frame({ type: 'data' }, CHUNK),
      12288,
      'INDEX',
      'DATA',
    ],
    ['END after END', () => new HandmadeStatefile().begin().end().frame({ type: 'end' }), 12288, 'INDEX', 'END'],
    ['TRAILER without INDEX', () => new HandmadeStatefile().begin().end().trailer(8192, 0), 12288, 'INDEX', 'TRAILER'],
    ['INDEX twice', () => new HandmadeStatefile().begin().end().index().index(), 16384, 'TRAILER', 'INDEX'],
    [
      'padding, which only rings have',
      () => new HandmadeStatefile().begin().frame({ type: 'padding', frameLength: 4096 }),
      8192,
      'DATA or END',
      'PADDING',
    ],
  ])('is rejected: %s', async (_, make, offset, expected, found) => {
    expect(await rejectionOf(readBack(make().bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'a record is out of order',
      details: { where: WHERE, offset, expected: anyCase(expected), found },
    });
  });
});

describe('a frame at the wrong position', () => {
  it.each([
    ['position', { position: 12288 }, '8192', '12288'],
    ['sequence', { sequence: 2 }, '1', '2'],
    ['epoch', { epoch: 3n }, '0', '3'],
    ['chain', { chainBefore: 5n }, '0', '5'],
  ])('is rejected for its %s', async (what, fields, expected, found) => {
    const made = new HandmadeStatefile().begin().data(CHUNK, fields).finish();
    expect(await rejectionOf(readBack(made.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: `a frame has the wrong ${what}`,
      details: { where: WHERE, offset: 8192, expected, found },
    });
  });

  it('is rejected for its stream offset', async () => {
    const made = new HandmadeStatefile().begin().data(CHUNK).data(CHUNK, { streamOffset: 99 }).finish();
    expect(await rejectionOf(readBack(made.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'the stream offset of a frame does not match the contents of the file',
      details: { where: WHERE, offset: 16384, expected: '100', found: '99' },
    });
  });

  it('is rejected when two frames were swapped', async () => {
    const file = await statefileOf(sampleState(8192), 4096);
    const swapped = Buffer.concat([
      file.subarray(0, 8192),
      file.subarray(16384, 24576),
      file.subarray(8192, 16384),
      file.subarray(24576),
    ]);
    expect(await rejectionOf(readBack(swapped))).toMatchObject({
      code: 'CORRUPT',
      message: 'a frame has the wrong position',
      details: { offset: 8192, expected: '8192', found: '16384' },
    });
  });

  it('is rejected when it was overwritten with other data', async () => {
    const file = await statefileOf(CHUNK);
    const other = Buffer.from(file);
    other.fill(1, 4096, 8192);
    expect(await rejectionOf(readBack(other))).toMatchObject({
      code: 'CORRUPT',
      message: 'no frame at this offset',
      details: { offset: 4096 },
    });
  });
});

describe('a payload that does not match the chain in its header', () => {
  it('is rejected at its first byte', async () => {
    const made = new HandmadeStatefile().begin().data(CHUNK, { chainAfter: 5n }).finish();
    expect(await rejectionOf(readBack(made.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'checksum mismatch in the payload of a frame',
      details: { where: WHERE, offset: 12288 },
    });
  });
});

describe('a header whose lengths contradict each other', () => {
  it('is rejected', async () => {
    const made = new HandmadeStatefile().begin().data(CHUNK, {}, (view) => view.setUint32(48, 4096, true));
    expect(await rejectionOf(readBack(made.bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'the lengths of a frame contradict each other',
      details: { where: WHERE, offset: 8192 },
    });
  });
});

describe('a payload above the limit', () => {
  const claimed = (bytes: number): Uint8Array =>
    new HandmadeStatefile().begin().frame({ type: 'data', payloadLength: bytes }).bytes;

  it.each([8 * 1024 * 1024 + 1, 2 ** 32 - 8192])(
    '(%i bytes) is rejected before memory is allocated for it',
    async (bytes) => {
      const source = new ChunkedSource(claimed(bytes));
      const reader = await StatefileReader.open(source, WHERE);
      expect(await rejectionOf(reader.next())).toMatchObject({
        code: 'LIMIT_EXCEEDED',
        message: 'the payload of a frame is too large',
        details: { where: WHERE, offset: 8192, expected: 'at most 8388608 bytes', found: `${bytes}` },
      });
      expect(source.largestRequest).toBe(4096);
    },
  );

  it('differs from a payload exactly at the limit, which is accepted', async () => {
    const { state } = await readBack(
      new HandmadeStatefile()
        .begin()
        .data(sampleState(8 << 20))
        .finish().bytes,
    );
    expect(state).toHaveLength(8 << 20);
  });

  it('is rejected in an optional record of an unknown type too', async () => {
    const made = new HandmadeStatefile().begin();
    made.frame({ type: 'data', payloadLength: 1 << 30 }, undefined, (view) => {
      view.setUint16(4, 99, true);
      view.setUint16(6, 1, true);
    });
    expect(await rejectionOf(readBack(made.bytes))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});
