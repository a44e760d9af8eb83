/** The header and the path of cpio entries. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StubferryError } from '../../../../src/base/errors/index.js';
import {
  decodeHeader,
  decodePath,
  encodeEntry,
  encodeTrailer,
  HEADER_BYTES,
  isTrailer,
  LONGEST_PATH,
  paddingAfter,
  S_IFDIR,
  S_IFREG,
} from '../../../../src/image/cpio/newc.js';
import { errorOf } from '../../../support/protocol/error-of.js';

const paths = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }).filter((path) => !path.includes('\0'));
const entries = fc.record({
  path: paths,
  mode: fc.constantFrom(S_IFREG | 0o755, S_IFREG | 0o600, S_IFDIR | 0o755),
  size: fc.nat(0xffffffff),
});

const sample = encodeEntry({ path: 'bin/busybox', mode: S_IFREG | 0o755, size: 5 }, 7);

describe('an entry', () => {
  it('decodes to the values that were encoded', () => {
    fc.assert(
      fc.property(entries, fc.nat(10_000), (entry, ino) => {
        const bytes = encodeEntry(entry, ino);
        const { mode, size, pathLength } = decodeHeader(bytes);
        expect({ mode, size, path: decodePath(bytes.subarray(HEADER_BYTES, HEADER_BYTES + pathLength)) }).toEqual({
          mode: entry.mode,
          size: entry.size,
          path: entry.path,
        });
        expect(bytes.length % 4).toBe(0);
        expect((entry.size + paddingAfter(entry.size).length) % 4).toBe(0);
      }),
    );
  });

  it('has the bytes that the documentation of Linux specifies', () => {
    const numbers = ['00000007', '000081ed', '00000000', '00000000', '00000001', '00000000', '00000005'];
    const rest = ['00000000', '00000000', '00000000', '00000000', '0000000c', '00000000'];
    expect(Buffer.from(sample).toString('latin1')).toBe(`070701${numbers.join('')}${rest.join('')}bin/busybox\0\0\0`);
  });

  it('ends the archive when it has the name of the trailer', () => {
    const bytes = encodeTrailer();
    expect(isTrailer(decodePath(bytes.subarray(HEADER_BYTES, HEADER_BYTES + decodeHeader(bytes).pathLength)))).toBe(
      true,
    );
    expect(isTrailer('bin/busybox')).toBe(false);
  });

  it('cannot have a path or a length that is too long for the format', () => {
    const path = 'a'.repeat(LONGEST_PATH);
    expect(errorOf(() => encodeEntry({ path, mode: S_IFREG, size: 0 }, 1))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { where: path, found: 'a path of 4096 bytes' },
    });
    expect(errorOf(() => encodeEntry({ path: 'a', mode: S_IFREG, size: 2 ** 32 }, 1))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { where: 'a', found: '4294967296 bytes' },
    });
  });
});

describe('bytes that are not an entry are NOT_AN_IMAGE', () => {
  const withText = (text: string): Buffer => Buffer.from(text.padEnd(HEADER_BYTES, '0'), 'latin1');

  it.each([
    ['another magic', withText('070702'), 'no header that begins with 070701'],
    [
      'a gzip file',
      Buffer.concat([Buffer.from('1f8b08', 'hex'), Buffer.alloc(HEADER_BYTES)]),
      'no header that begins with 070701',
    ],
    [
      'too few bytes',
      withText('070701').subarray(0, HEADER_BYTES - 1),
      'a header with characters that are not hexadecimal digits',
    ],
    ['a sign in a number', withText('070701-1'), 'a header with characters that are not hexadecimal digits'],
    ['no path', withText('070701'), 'a path of 0 bytes'],
  ])('%s', (_, bytes, found) => {
    expect(errorOf(() => decodeHeader(bytes))).toMatchObject({ code: 'NOT_AN_IMAGE', details: { found } });
  });

  it('a path that is longer than PATH_MAX of Linux', () => {
    const bytes = Buffer.from(sample);
    bytes.write('00001001', 6 + 8 * 11, 'latin1');
    expect(errorOf(() => decodeHeader(bytes))).toMatchObject({ details: { found: 'a path of 4097 bytes' } });
  });

  it('a path with a NUL inside, without a NUL, or that is not UTF-8', () => {
    expect(errorOf(() => decodePath(Buffer.from('a\0b\0')))).toMatchObject({ code: 'NOT_AN_IMAGE' });
    expect(errorOf(() => decodePath(Buffer.from('ab')))).toMatchObject({ code: 'NOT_AN_IMAGE' });
    expect(errorOf(() => decodePath(Buffer.from('ff00', 'hex')))).toMatchObject({
      details: { found: 'a path that is not UTF-8' },
    });
  });

  it('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: HEADER_BYTES, maxLength: HEADER_BYTES }), (bytes) => {
        const error = errorOf(() => decodeHeader(bytes));
        expect(error instanceof StubferryError && error.code).toBe('NOT_AN_IMAGE');
      }),
    );
  });
});
