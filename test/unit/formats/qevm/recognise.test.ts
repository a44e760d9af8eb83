import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { canEndIn, hasQevmMagic, type QevmStart, recogniseQevm } from '../../../../src/formats/qevm/recognise.js';
import { errorOf } from '../../../support/protocol/error-of.js';

/** The first bytes of a state: magic, version and the given bytes. */
function start(version: number, ...rest: number[]): Buffer {
  const head = Buffer.from('QEVM\0\0\0\0', 'latin1');
  head.writeUInt32BE(version, 4);
  return Buffer.concat([head, Buffer.from(rest)]);
}

/** A state with a configuration whose length field states that many characters for the machine type. */
function configuration(length: number, name: string): Buffer {
  const lengthBytes = Buffer.alloc(4);
  lengthBytes.writeUInt32BE(length);
  return Buffer.concat([start(3, 0x07), lengthBytes, Buffer.from(name, 'latin1')]);
}

const recognise = (bytes: Uint8Array): QevmStart => recogniseQevm(bytes, '/state');

describe('hasQevmMagic', () => {
  it('checks only the first four bytes', () => {
    expect(hasQevmMagic(Buffer.from('QEVM'))).toBe(true);
    expect(hasQevmMagic(Buffer.from('QEVX'))).toBe(false);
    expect(hasQevmMagic(Buffer.from('QEV'))).toBe(false);
    expect(hasQevmMagic(Buffer.from(' QEVM'))).toBe(false);
  });
});

describe('canEndIn', () => {
  it('accepts only the end mark and the brace that closes a description', () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => byte);
    expect(bytes.filter(canEndIn)).toEqual([0x00, 0x7d]);
  });
});

describe('recogniseQevm', () => {
  it.each([
    ['a device', 0x04, 'device-state'],
    ['the end mark', 0x00, 'device-state'],
    ['RAM', 0x01, 'migration-stream'],
  ])('accepts a state that begins with %s', (_, section, kind) => {
    expect(recognise(start(3, section))).toEqual({ kind, machineType: '' });
  });

  it('reads the machine type from the configuration section', () => {
    expect(recognise(configuration(12, 'pc-i440fx-7.2'))).toEqual({
      kind: 'migration-stream',
      machineType: 'pc-i440fx-7.',
    });
  });

  it('accepts a machine type of 255 characters', () => {
    expect(recognise(configuration(255, 'm'.repeat(255))).machineType).toBe('m'.repeat(255));
  });

  it('escapes terminal escapes in the machine type', () => {
    expect(recognise(configuration(4, '\u001b[2J')).machineType).toBe('\\u{1b}[2J');
  });

  it('reads a view into a larger buffer', () => {
    const larger = Buffer.concat([Buffer.from('...'), start(3, 0x04)]);
    expect(recognise(larger.subarray(3)).kind).toBe('device-state');
  });
});

describe('recogniseQevm refuses', () => {
  it.each([2, 4, 0x03000000])('version %i', (version) => {
    expect(errorOf(() => recognise(start(version, 0x04)))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      message: 'the QEMU state has an unsupported format version',
      details: { where: '/state', offset: 4, expected: '3', found: `${version}` },
    });
  });

  it.each([
    [0x02, '0x02'],
    [0x03, '0x03'],
    [0x05, '0x05'],
    [0x7e, '0x7e'],
    [0xff, '0xff'],
  ])('a first section of type %i', (section, found) => {
    expect(errorOf(() => recognise(start(3, section)))).toMatchObject({
      code: 'CORRUPT',
      message: 'the first section of the QEMU state has an unknown type',
      details: { where: '/state', offset: 8, found },
    });
  });

  it('a machine type longer than 255 characters', () => {
    expect(errorOf(() => recognise(configuration(256, 'm'.repeat(256))))).toMatchObject({
      code: 'CORRUPT',
      message: 'the machine type in the configuration section is too long',
      details: { where: '/state', offset: 9, expected: 'at most 255 bytes', found: '256' },
    });
  });

  it.each([
    ['after its magic', Buffer.from('QEVM')],
    ['before its first section', start(3)],
    ['before the length of the machine type', start(3, 0x07, 0, 0, 0)],
    ['within the machine type', configuration(10, 'pc-i440fx')],
  ])('a state that ends %s', (_, bytes) => {
    expect(errorOf(() => recognise(bytes))).toMatchObject({
      code: 'TRUNCATED',
      message: 'the QEMU state ends within its header',
      details: { where: '/state', offset: bytes.length, found: `${bytes.length} bytes` },
    });
  });

  it('any other bytes only with a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(0, 8), (bytes, keep) => {
        const input = Buffer.concat([start(3).subarray(0, keep), bytes]);
        try {
          recognise(input);
        } catch (error) {
          expect(error).toBeInstanceOf(StubferryError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
