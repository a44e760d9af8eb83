/** A failure here means that the format changed. fixtures/golden/README.md describes what to do then. */
import { describe, expect, it } from '@jest/globals';
import * as golden from '../../../../fixtures/golden/values.mjs';
import { BLOCK_SIZE } from '../../../../src/formats/protocol/block.js';
import { decodeControlBlock, encodeControlBlock } from '../../../../src/formats/protocol/control-block.js';
import {
  decodeFrameHeader,
  encodeFrameHeader,
  FRAME_TYPES,
  type FrameType,
} from '../../../../src/formats/protocol/frame.js';
import {
  decodeBegin,
  decodeEnd,
  decodeIndex,
  decodeTrailer,
  encodeBegin,
  encodeEnd,
  encodeIndex,
  encodeTrailer,
} from '../../../../src/formats/protocol/records.js';
import { decodeSuperblock, encodeSuperblock } from '../../../../src/formats/protocol/superblock.js';
import { uuidSeed } from '../../../../src/formats/protocol/uuid.js';
import { DataIndex, decodeIndexEntries } from '../../../../src/formats/statefile/data-index.js';
import { goldenBytes } from '../../../support/protocol/golden-bytes.js';

const SEED = uuidSeed(golden.TRANSFER_UUID);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the golden superblock', () => {
  it('is the result of encoding its values', () => {
    expect(hex(encodeSuperblock(golden.SUPERBLOCK))).toBe(hex(goldenBytes('superblock')));
  });

  it('decodes to its values', () => {
    expect(decodeSuperblock(goldenBytes('superblock'), 'disk', 0, 65536 + 33554432)).toEqual(golden.SUPERBLOCK);
  });
});

describe.each(['sender', 'receiver'] as const)('the golden control block of the %s', (role) => {
  const seed = SEED ^ golden.CONTROL_PLACES[role];

  it('is the result of encoding its values', () => {
    const block = new Uint8Array(BLOCK_SIZE);
    encodeControlBlock(block, role, golden.CONTROLS[role], seed);
    expect(hex(block)).toBe(hex(goldenBytes(`control-${role}`)));
  });

  it('decodes to its values', () => {
    expect(decodeControlBlock(goldenBytes(`control-${role}`), role, seed)).toEqual(golden.CONTROLS[role]);
  });
});

const entries = new DataIndex();
for (const entry of golden.INDEX_ENTRIES) entries.add(entry);

/** For each frame: the record, its decoder, the decoded value, and the payload after the header. */
const CONTENTS: Record<FrameType, [Uint8Array, (record: Uint8Array) => unknown, unknown, Uint8Array]> = {
  begin: [encodeBegin(golden.BEGIN), decodeBegin, golden.BEGIN, new Uint8Array(0)],
  data: [new Uint8Array(0), (record) => record.length, 0, golden.PAYLOAD],
  end: [encodeEnd(golden.END), (record) => decodeEnd(record, true), golden.END, new Uint8Array(0)],
  padding: [new Uint8Array(0), (record) => record.length, 0, new Uint8Array(0)],
  index: [encodeIndex(2), decodeIndex, 2, entries.encode()],
  trailer: [encodeTrailer(golden.TRAILER), decodeTrailer, golden.TRAILER, new Uint8Array(0)],
};

describe.each(Object.keys(FRAME_TYPES) as FrameType[])('the golden %s frame', (type) => {
  const bytes = goldenBytes(`frame-${type}`);
  const [record, decodeRecord, value, payload] = CONTENTS[type];

  it('is the result of encoding its values', () => {
    const block = new Uint8Array(BLOCK_SIZE);
    encodeFrameHeader(block, { ...golden.FRAMES[type], record }, SEED);
    const padding = new Uint8Array(bytes.length - BLOCK_SIZE - payload.length);
    expect(hex(Buffer.concat([block, payload, padding]))).toBe(hex(bytes));
  });

  it('decodes to its values', () => {
    const header = decodeFrameHeader(bytes.subarray(0, BLOCK_SIZE), SEED);
    if (typeof header === 'string') throw new Error(header);
    expect(header).toMatchObject({ ...golden.FRAMES[type], typeNumber: FRAME_TYPES[type], optional: false });
    expect(decodeRecord(header.record)).toEqual(value);
    expect(hex(bytes.subarray(BLOCK_SIZE, BLOCK_SIZE + header.payloadLength))).toBe(hex(payload));
  });
});

describe('the golden index', () => {
  it('contains its two entries', () => {
    const payload = goldenBytes('frame-index').subarray(BLOCK_SIZE, BLOCK_SIZE + 32);
    expect(decodeIndexEntries(payload, 2)).toEqual(golden.INDEX_ENTRIES);
  });
});
