import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { stubferry as schema } from '../../../../src/formats/protocol/generated/records.js';
import { decodeBegin, decodeEnd, decodeIndex, decodeTrailer } from '../../../../src/formats/protocol/records.js';
import { errorOf } from '../../../support/protocol/error-of.js';

const ABOVE = 2 ** 60;
const ABOVE_FOUND = '1152921504606846976';

describe('BEGIN is rejected with', () => {
  it.each([
    ['no kind', { kind: 0 }, 'kind', 'a kind of proto/records.proto', '0'],
    ['an unknown kind', { kind: 99 }, 'kind', 'a kind of proto/records.proto', '99'],
    ['a short target UUID', { targetUuid: new Uint8Array(15) }, 'target_uuid', '16 bytes', '15 bytes'],
    ['a long target UUID', { targetUuid: new Uint8Array(17) }, 'target_uuid', '16 bytes', '17 bytes'],
    ['a long QEMU version', { qemuVersion: 'x'.repeat(257) }, 'qemu_version', 'at most 256 characters', '257'],
    ['a long machine type', { machineType: 'x'.repeat(999) }, 'machine_type', 'at most 256 characters', '999'],
    [
      'a long stubferry version',
      { stubferryVersion: 'x'.repeat(257) },
      'stubferry_version',
      'at most 256 characters',
      '257',
    ],
    ['a time above 2^53', { createdMs: ABOVE }, 'created_ms', 'a number below 2^53', ABOVE_FOUND],
  ])('%s', (_, fields, field, expected, found) => {
    const bytes = schema.Begin.encode({ kind: 1, ...fields }).finish();
    expect(errorOf(() => decodeBegin(bytes))).toMatchObject({
      code: 'CORRUPT',
      message: `BEGIN record: ${field} is not valid`,
      details: { expected, found },
    });
  });
});

describe('END is rejected with', () => {
  const whole = { chain: new Uint8Array(8), xxh64: new Uint8Array(8), sha256: new Uint8Array(32) };

  it.each([
    ['a length above 2^53', { stateBytes: ABOVE }, 'state_bytes', ABOVE_FOUND],
    ['a count above 2^53', { dataFrames: ABOVE }, 'data_frames', ABOVE_FOUND],
    ['no chain', { chain: new Uint8Array(0) }, 'chain', '0 bytes'],
    ['a long chain', { chain: new Uint8Array(9) }, 'chain', '9 bytes'],
    ['no xxh64, although BEGIN announces it', { xxh64: new Uint8Array(0) }, 'xxh64', '0 bytes'],
    ['a short SHA-256', { sha256: new Uint8Array(31) }, 'sha256', '31 bytes'],
  ])('%s', (_, fields, field, found) => {
    const bytes = schema.End.encode({ ...whole, ...fields }).finish();
    expect(errorOf(() => decodeEnd(bytes, true))).toMatchObject({
      code: 'CORRUPT',
      message: `END record: ${field} is not valid`,
      details: { found },
    });
  });
});

describe('INDEX is rejected with', () => {
  it.each([4097, 0xffffffff])('%i entries', (entries) => {
    expect(errorOf(() => decodeIndex(schema.Index.encode({ entries }).finish()))).toMatchObject({
      code: 'CORRUPT',
      message: 'INDEX record: entries is not valid',
      details: { expected: 'at most 4096', found: `${entries}` },
    });
  });
});

describe('TRAILER is rejected with', () => {
  it.each([
    ['end_offset', { endOffset: ABOVE }],
    ['index_offset', { indexOffset: ABOVE }],
    ['file_bytes', { fileBytes: ABOVE }],
  ])('%s above 2^53', (field, fields) => {
    expect(errorOf(() => decodeTrailer(schema.Trailer.encode(fields).finish()))).toMatchObject({
      code: 'CORRUPT',
      message: `TRAILER record: ${field} is not valid`,
      details: { expected: 'a number below 2^53', found: ABOVE_FOUND },
    });
  });
});

describe('a record that is not a valid protobuf message', () => {
  it.each([
    ['ends within a number', Uint8Array.of(0x08, 0x80)],
    ['ends within a text', Uint8Array.of(0x22, 0x7f, 0x41)],
    ['has a wire type that does not exist', Uint8Array.of(0x0f)],
    ['opens 4000 nested groups', new Uint8Array(4000).fill(0x7b)],
  ])('is rejected when it %s', (_, bytes) => {
    expect(errorOf(() => decodeBegin(bytes))).toMatchObject({
      code: 'CORRUPT',
      message: 'BEGIN record: the protobuf message is not valid',
      details: { expected: 'the fields of proto/records.proto' },
    });
  });
});

describe('random bytes as a record', () => {
  it.each([
    ['BEGIN', decodeBegin],
    ['END', (bytes: Uint8Array) => decodeEnd(bytes, true)],
    ['INDEX', decodeIndex],
    ['TRAILER', decodeTrailer],
  ])('are decoded as %s or rejected with a typed error', (_, decode) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(StubferryError);
          expect(error).toMatchObject({ code: 'CORRUPT' });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
