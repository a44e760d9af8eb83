import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BLOCK_SIZE } from '../../../../src/formats/protocol/block.js';
import {
  chainOver,
  decodeFrameHeader,
  encodeFrameHeader,
  FRAME_TYPES,
  type FrameFields,
  type FrameType,
  frameLengthFor,
  RECORD_ROOM,
} from '../../../../src/formats/protocol/frame.js';
import { xxh64 } from '../../../../src/formats/protocol/xxh64.js';
import { bitsOfBlock, counts, u64s } from '../../../support/protocol/arbitrary-values.js';
import { errorOf } from '../../../support/protocol/error-of.js';
import { withFlippedBit } from '../../../support/protocol/flipped-bit.js';

const SEED = 0x1234567890abcdefn;

function encoded(fields: FrameFields, seed = SEED): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE).fill(0xff);
  encodeFrameHeader(block, fields, seed);
  return block;
}

const fieldsOf = {
  optional: fc.boolean(),
  sequence: counts,
  epoch: u64s,
  position: counts,
  streamOffset: counts,
  chainBefore: u64s,
  chainAfter: u64s,
  record: fc.uint8Array({ maxLength: RECORD_ROOM, size: 'max' }),
};

/** DATA must have a payload, INDEX may have one, and the other types must have none. */
const typesWithPayload: fc.Arbitrary<{ type: FrameType; payloadLength: number }> = fc.oneof(
  fc.record({ type: fc.constant('data' as const), payloadLength: fc.integer({ min: 1, max: 2 ** 31 }) }),
  fc.record({ type: fc.constant('index' as const), payloadLength: fc.nat({ max: 2 ** 31 }) }),
  fc.record({
    type: fc.constantFrom('begin' as const, 'end' as const, 'trailer' as const),
    payloadLength: fc.constant(0),
  }),
);

describe('a frame header', () => {
  it('is the same after encoding and decoding, whatever the buffer contained before', () => {
    fc.assert(
      fc.property(fc.record(fieldsOf), typesWithPayload, u64s, (standard, typed, seed) => {
        const fields = { ...standard, ...typed };
        expect(decodeFrameHeader(encoded(fields, seed), seed)).toEqual({
          ...fields,
          typeNumber: FRAME_TYPES[fields.type],
          frameLength: frameLengthFor(fields.payloadLength),
        });
      }),
    );
  });

  it('of padding can cover any number of blocks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 18 }), (blocks) => {
        const frameLength = blocks * BLOCK_SIZE;
        const fields = { ...DATA, type: 'padding', payloadLength: 0, frameLength } as const;
        expect(decodeFrameHeader(encoded(fields), SEED)).toMatchObject({ type: 'padding', frameLength });
      }),
    );
  });

  it('is rejected with any single bit flipped', () => {
    const block = encoded(DATA);
    fc.assert(
      fc.property(bitsOfBlock, (bit) => {
        expect(decodeFrameHeader(withFlippedBit(block, bit), SEED)).toBe(bit < 32 ? 'no-magic' : 'bad-checksum');
      }),
      { numRuns: 1000 },
    );
  });

  it('is never found in random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: BLOCK_SIZE, maxLength: BLOCK_SIZE }), (block) => {
        expect(decodeFrameHeader(block, SEED)).toBe('no-magic');
      }),
    );
  });

  it('is not found in a blank block', () => {
    expect(decodeFrameHeader(new Uint8Array(BLOCK_SIZE), SEED)).toBe('no-magic');
  });

  it('is rejected when it belongs to another transfer, because the seed differs', () => {
    expect(decodeFrameHeader(encoded(DATA), SEED ^ 1n)).toBe('bad-checksum');
  });

  it('can contain a record that fills the block, but not a longer one', () => {
    const full = new Uint8Array(RECORD_ROOM).fill(9);
    expect(RECORD_ROOM).toBe(4016);
    expect(decodeFrameHeader(encoded({ ...DATA, record: full }), SEED)).toMatchObject({ record: full });
    expect(errorOf(() => encoded({ ...DATA, record: new Uint8Array(RECORD_ROOM + 1) }))).toEqual(
      new RangeError('a record of 4017 bytes exceeds 4016 bytes'),
    );
  });

  it('belongs to a frame of one block when there is no payload', () => {
    expect(frameLengthFor(0)).toBe(4096);
    expect(frameLengthFor(1)).toBe(8192);
    expect(frameLengthFor(4096)).toBe(8192);
  });
});

const DATA: FrameFields = {
  type: 'data',
  payloadLength: 100,
  sequence: 1,
  epoch: 2n,
  position: 4096,
  streamOffset: 0,
  chainBefore: 3n,
  chainAfter: 4n,
  record: new Uint8Array([1, 2, 3]),
};

describe('the chain', () => {
  it('does not change with a frame without a payload', () => {
    expect(chainOver(new Uint8Array(0), 77n)).toBe(77n);
  });

  it('covers the padded payload, seeded with the chain before it', () => {
    const payload = new Uint8Array(BLOCK_SIZE).fill(5);
    expect(chainOver(payload, 77n)).toBe(xxh64(payload, 77n));
    expect(chainOver(payload, 78n)).not.toBe(chainOver(payload, 77n));
  });
});
