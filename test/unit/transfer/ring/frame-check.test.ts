import { describe, expect, it } from '@jest/globals';
import { BLOCK_SIZE, viewOf, writeChecksum } from '../../../../src/formats/protocol/block.js';
import { encodeFrameHeader, type FrameFields } from '../../../../src/formats/protocol/frame.js';
import type { Superblock } from '../../../../src/formats/protocol/superblock.js';
import { uuidSeed } from '../../../../src/formats/protocol/uuid.js';
import { checkHeader, type Expected } from '../../../../src/transfer/ring/frame-check.js';
import { errorOf } from '../../../support/protocol/error-of.js';
import { SUPERBLOCK } from '../../../support/protocol/sample-superblock.js';

const SEED = uuidSeed(SUPERBLOCK.transferUuid);
const LAP = SUPERBLOCK.ringLength;

/** The second lap, 20480 bytes before its end. */
const EXPECTED: Expected = {
  epoch: 9n,
  position: 2 * LAP - 20480,
  sequence: 40,
  streamOffset: 1000,
  chain: 77n,
};
const OFFSET = SUPERBLOCK.ringStart + LAP - 20480;

const FRAME: FrameFields = {
  type: 'data',
  payloadLength: 500,
  epoch: EXPECTED.epoch,
  position: EXPECTED.position,
  sequence: EXPECTED.sequence,
  streamOffset: EXPECTED.streamOffset,
  chainBefore: EXPECTED.chain,
  chainAfter: 78n,
};

function encoded(fields: Partial<FrameFields>): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  encodeFrameHeader(block, { ...FRAME, ...fields }, SEED);
  return block;
}

function check(block: Uint8Array, superblock: Superblock = SUPERBLOCK): unknown {
  return checkHeader(block, EXPECTED, superblock, SEED, '/dev/xvdz');
}

function refusal(block: Uint8Array, superblock?: Superblock): unknown {
  return errorOf(() => check(block, superblock));
}

/** {@link FRAME} with an unknown type. */
function unknownType(flags: number): Uint8Array {
  const block = encoded({});
  viewOf(block).setUint16(4, 99, true);
  viewOf(block).setUint16(6, flags, true);
  writeChecksum(block, SEED);
  return block;
}

const at = { where: '/dev/xvdz', offset: OFFSET };

describe('checkHeader accepts', () => {
  it('the frame that is expected', () => {
    expect(check(encoded({}))).toMatchObject({ type: 'data', payloadLength: 500, sequence: 40 });
  });

  it('a frame that ends with the lap', () => {
    expect(check(encoded({ payloadLength: 16384 }))).toMatchObject({ frameLength: 20480 });
  });

  it('padding that fills the lap', () => {
    const padding = encoded({ type: 'padding', payloadLength: 0, frameLength: 20480 });
    expect(check(padding)).toMatchObject({ type: 'padding', frameLength: 20480 });
  });

  it('a payload and a state as large as the superblock allows', () => {
    const exact = { ...SUPERBLOCK, maxPayload: 500, maxState: 1500 };
    expect(check(encoded({}), exact)).toMatchObject({ type: 'data' });
  });

  it('an optional record of unknown type', () => {
    expect(check(unknownType(1))).toMatchObject({ type: undefined, typeNumber: 99, optional: true });
  });

  it('any stream offset of a record that carries no data', () => {
    expect(check(encoded({ type: 'end', payloadLength: 0, streamOffset: 5 }))).toMatchObject({ type: 'end' });
  });
});

describe('checkHeader reports a missing frame', () => {
  it('as blank when there is no magic', () => {
    expect(check(new Uint8Array(BLOCK_SIZE))).toBe('blank');
    expect(check(new Uint8Array(BLOCK_SIZE).fill(0x41))).toBe('blank');
  });

  it('as bad-checksum when the checksum is wrong, for example because half of the block is written', () => {
    const half = encoded({}).fill(0, 2048);
    expect(check(half)).toBe('bad-checksum');
  });

  it('as earlier-lap when the position still contains a frame of an earlier lap', () => {
    expect(check(encoded({ position: EXPECTED.position - LAP }))).toBe('earlier-lap');
  });

  it('as later-lap when the position contains a frame of a later lap, which may be for an earlier receiver', () => {
    expect(check(encoded({ position: EXPECTED.position + LAP }))).toBe('later-lap');
  });

  it.each([8n, 10n, 0n])('as other-epoch when the position contains a frame of another sender (epoch %i)', (epoch) => {
    expect(check(encoded({ epoch }))).toBe('other-epoch');
    expect(check(encoded({ epoch, sequence: 3, position: EXPECTED.position + LAP }))).toBe('other-epoch');
  });
});

describe('checkHeader rejects as misdirected', () => {
  it.each([EXPECTED.position + 4096, EXPECTED.position - 4096, 0])('a frame for position %i', (position) => {
    expect(refusal(encoded({ position }))).toMatchObject({
      code: 'MISDIRECTED',
      message: 'a frame is at the wrong ring position',
      details: { ...at, expected: `ring position ${EXPECTED.position}`, found: `ring position ${position}` },
    });
  });
});

describe('checkHeader rejects as a protocol violation', () => {
  const overlong = encoded({ payloadLength: 16385 });

  it.each([
    ['wrong sequence number', encoded({ sequence: 41 }), '40', '41'],
    ['wrong sequence number', encoded({ sequence: 39 }), '40', '39'],
    ['wrong chain checksum', encoded({ chainBefore: 76n }), '77', '76'],
    ['wrong length for the rest of the lap', overlong, '20480', '24576'],
    [
      'wrong length for the rest of the lap',
      encoded({ type: 'padding', payloadLength: 0, frameLength: 16384 }),
      '20480',
      '16384',
    ],
    [
      'wrong length for the rest of the lap',
      encoded({ type: 'padding', payloadLength: 0, frameLength: 24576 }),
      '20480',
      '24576',
    ],
    ['wrong stream offset', encoded({ streamOffset: 999 }), '1000', '999'],
    ['wrong stream offset', encoded({ streamOffset: 1001 }), '1000', '1001'],
  ])('a %s', (what, block, expected, found) => {
    expect(refusal(block)).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: `frame: ${what}`,
      details: { ...at, expected, found },
    });
  });

  it('lengths that contradict each other in a header with a valid checksum', () => {
    const block = encoded({});
    viewOf(block).setUint32(48, 4096, true);
    writeChecksum(block, SEED);
    expect(refusal(block)).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: 'frame: lengths contradict each other',
      details: at,
    });
  });
});

describe('checkHeader rejects as beyond a limit', () => {
  it('a payload larger than the superblock allows', () => {
    expect(refusal(encoded({}), { ...SUPERBLOCK, maxPayload: 499 })).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'frame: payload larger than the superblock allows',
      details: { ...at, expected: 'at most 499 bytes', found: '500 bytes' },
    });
  });

  it('a state larger than the superblock allows', () => {
    expect(refusal(encoded({}), { ...SUPERBLOCK, maxState: 1499 })).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'the state is larger than the superblock allows',
      details: { where: '/dev/xvdz', expected: 'at most 1499 bytes' },
    });
  });
});

describe('checkHeader rejects as unknown', () => {
  it('a mandatory record of unknown type', () => {
    expect(refusal(unknownType(0))).toMatchObject({
      code: 'UNKNOWN_RECORD',
      message: 'a mandatory record of unknown type 99',
      details: at,
    });
  });
});
