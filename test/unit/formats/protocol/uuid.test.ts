import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatUuid, isUuid, NIL_UUID, parseUuid, uuidSeed } from '../../../../src/formats/protocol/uuid.js';
import { uuids } from '../../../support/protocol/arbitrary-values.js';
import { errorOf } from '../../../support/protocol/error-of.js';

const UUID = '00112233-4455-6677-8899-aabbccddeeff';

describe('a UUID', () => {
  it('has its bytes in the order in which it is printed', () => {
    expect(Buffer.from(parseUuid(UUID)).toString('hex')).toBe('00112233445566778899aabbccddeeff');
  });

  it('is the same after parsing and formatting', () => {
    fc.assert(fc.property(uuids, (uuid) => expect(formatUuid(parseUuid(uuid))).toBe(uuid)));
  });

  it('may be parsed from upper case, and is formatted in lower case', () => {
    expect(formatUuid(parseUuid(UUID.toUpperCase()))).toBe(UUID);
  });

  it.each([
    '',
    'x',
    UUID.slice(1),
    `${UUID}0`,
    UUID.replaceAll('-', ''),
    UUID.replace('f', 'g'),
    ` ${UUID}`,
    `${UUID}\n`,
  ])('is not %j', (text) => {
    expect(isUuid(text)).toBe(false);
    expect(errorOf(() => parseUuid(text))).toBeInstanceOf(RangeError);
  });
});

describe('uuidSeed', () => {
  it('is the xor of both halves, read as little-endian numbers', () => {
    expect(uuidSeed(UUID)).toBe(0x7766554433221100n ^ 0xffeeddccbbaa9988n);
  });

  it('is 0 for the nil UUID', () => {
    expect(uuidSeed(NIL_UUID)).toBe(0n);
  });
});
