import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RECORD_ROOM } from '../../../../src/formats/protocol/frame.js';
import {
  type BeginRecord,
  decodeBegin,
  decodeEnd,
  decodeIndex,
  decodeTrailer,
  encodeBegin,
  encodeEnd,
  encodeIndex,
  encodeTrailer,
} from '../../../../src/formats/protocol/records.js';
import { NIL_UUID } from '../../../../src/formats/protocol/uuid.js';
import { beginRecords, counts, endRecords } from '../../../support/protocol/arbitrary-values.js';

const BEGIN: BeginRecord = {
  kind: 'device-state',
  targetUuid: NIL_UUID,
  targetDomid: 0,
  qemuVersion: '',
  machineType: '',
  stubferryVersion: '0.1.0',
  createdMs: 0,
  sha256: true,
};

describe('BEGIN', () => {
  it('is the same after encoding and decoding', () => {
    fc.assert(fc.property(beginRecords, (begin) => expect(decodeBegin(encodeBegin(begin))).toEqual(begin)));
  });

  it('has the nil UUID without a target UUID, and does not store it', () => {
    expect(decodeBegin(encodeBegin(BEGIN)).targetUuid).toBe(NIL_UUID);
    expect(encodeBegin(BEGIN).length).toBeLessThan(16);
  });

  it('truncates the QEMU version and the machine type to 256 characters', () => {
    const long = { ...BEGIN, qemuVersion: 'q'.repeat(257), machineType: 'm'.repeat(300) };
    expect(decodeBegin(encodeBegin(long))).toEqual({
      ...BEGIN,
      qemuVersion: 'q'.repeat(256),
      machineType: 'm'.repeat(256),
    });
  });

  it('fits into a header block with texts of the maximum length', () => {
    const text = '€'.repeat(256);
    const largest = { ...BEGIN, qemuVersion: text, machineType: text, stubferryVersion: text };
    expect(encodeBegin(largest).length).toBeLessThanOrEqual(RECORD_ROOM);
  });

  it('stores texts with terminal escapes escaped', () => {
    const withEscapes = { ...BEGIN, machineType: 'pc\u001b[2J\u202e' };
    expect(decodeBegin(encodeBegin(withEscapes)).machineType).toBe('pc\\u{1b}[2J\\u{202e}');
  });

  it('ignores fields of a higher minor version', () => {
    const field15 = Uint8Array.of(0x78, 0x05);
    expect(decodeBegin(Buffer.concat([encodeBegin(BEGIN), field15]))).toEqual(BEGIN);
  });
});

describe('END', () => {
  it('is the same after encoding and decoding', () => {
    fc.assert(
      fc.property(endRecords, (end) => {
        expect(decodeEnd(encodeEnd(end), end.digests !== undefined)).toEqual(end);
      }),
    );
  });

  it('has digests only when BEGIN announces them', () => {
    const digests = { xxh64: new Uint8Array(8), sha256: new Uint8Array(32) };
    const bytes = encodeEnd({ stateBytes: 1, dataFrames: 1, chain: 1n, digests });
    expect(decodeEnd(bytes, false).digests).toBeUndefined();
  });

  it('does not refer to the buffer from which it was decoded', () => {
    const digests = { xxh64: new Uint8Array(8).fill(1), sha256: new Uint8Array(32).fill(2) };
    const bytes = Uint8Array.from(encodeEnd({ stateBytes: 1, dataFrames: 1, chain: 1n, digests }));
    const end = decodeEnd(bytes, true);
    bytes.fill(0xee);
    expect(end.digests).toEqual(digests);
  });
});

describe('INDEX', () => {
  it('is the same after encoding and decoding, up to 4096 entries', () => {
    fc.assert(fc.property(fc.nat({ max: 4096 }), (entries) => expect(decodeIndex(encodeIndex(entries))).toBe(entries)));
    expect(decodeIndex(encodeIndex(4096))).toBe(4096);
  });
});

describe('TRAILER', () => {
  it('is the same after encoding and decoding', () => {
    const trailers = fc.record({ endOffset: counts, indexOffset: counts, fileBytes: counts });
    fc.assert(fc.property(trailers, (trailer) => expect(decodeTrailer(encodeTrailer(trailer))).toEqual(trailer)));
  });
});
