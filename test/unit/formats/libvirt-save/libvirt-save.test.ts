import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LibvirtSaveReader, type LibvirtSaveSummary } from '../../../../src/formats/libvirt-save/index.js';
import type { Cursor, PullParser } from '../../../../src/formats/pull-parser/index.js';
import { LIBVIRT, libvirtHead } from '../../../support/libvirt-save/libvirt-bytes.js';
import { parsed, refusalOf } from '../../../support/pull-parser/parsed.js';

function* read(cursor: Cursor): PullParser<LibvirtSaveSummary> {
  const reader = new LibvirtSaveReader(cursor);
  yield* reader.parse();
  if (reader.summary === undefined) throw new Error('no summary of a whole header');
  return reader.summary;
}

const readHead = (bytes: Uint8Array): LibvirtSaveSummary => parsed(bytes, read).result;
const refusal = (bytes: Uint8Array) => refusalOf(bytes, read);

/** Returns a header with `value` at `offset`. */
function withNumber(offset: number, value: number): Buffer {
  const bytes = libvirtHead();
  bytes.writeUInt32LE(value, offset);
  return bytes;
}

describe('a libvirt save file', () => {
  it('is parsed up to the start of the stream', () => {
    const head = libvirtHead();
    expect(readHead(Buffer.concat([head, Buffer.from('QEVM')]))).toEqual({
      ...{
        kind: 'libvirt-save',
        finished: true,
        version: 2,
        byteOrder: 'little',
        wasRunning: true,
        compression: 'raw',
      },
      ...{ xml: LIBVIRT.xml, cookie: undefined, stateOffset: head.length },
    });
  });

  it('can have any texts, in both byte orders', () => {
    const texts = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !text.includes('\0'));
    const orders = fc.constantFrom('little' as const, 'big' as const);
    fc.assert(
      fc.property(orders, texts, fc.option(texts, { nil: undefined }), fc.nat(9), (order, xml, cookie, room) => {
        expect(readHead(libvirtHead({ order, xml, cookie, room }))).toMatchObject({ byteOrder: order, xml, cookie });
      }),
    );
  });

  it.each(['raw', 'gzip', 'bzip2', 'xz', 'lzop', 'zstd', 'sparse'])(
    'declares the compression of its stream: %s',
    (name) => {
      const format = ['raw', 'gzip', 'bzip2', 'xz', 'lzop', 'zstd', 'sparse'].indexOf(name);
      expect(readHead(libvirtHead({ format, running: 0 }))).toMatchObject({ compression: name, wasRunning: false });
    },
  );

  it('has no compression in version 1', () => {
    expect(readHead(libvirtHead({ version: 1, format: 77 }))).toMatchObject({ version: 1, compression: 'raw' });
  });

  it('is rejected with its own message when libvirt did not finish it', () => {
    const unfinished = libvirtHead({ magic: 'LibvirtQemudPart' });
    expect(refusal(unfinished)).toMatchObject({
      code: 'TRUNCATED',
      message: 'libvirt had not finished this save',
      details: { offset: 0, expected: '"LibvirtQemudSave"', found: '"LibvirtQemudPart"' },
    });
  });

  it.each<[string, Buffer, object]>([
    ['of version 3', withNumber(16, 3), { code: 'UNSUPPORTED_VERSION', details: { offset: 16, expected: '1 or 2' } }],
    ['of version 0', withNumber(16, 0), { code: 'UNSUPPORTED_VERSION', details: { offset: 16, found: '0' } }],
    ['without any text', withNumber(20, 0), { code: 'CORRUPT', details: { offset: 20 } }],
    [
      'with more than 16 MiB of text, before the text is read',
      withNumber(20, (16 << 20) + 1),
      { code: 'LIMIT_EXCEEDED', details: { offset: 20, expected: '1 to 16777216 bytes', found: '16777217' } },
    ],
    [
      'with an unknown compression',
      withNumber(28, 7),
      { code: 'UNSUPPORTED_VERSION', details: { offset: 28, found: '7' } },
    ],
    [
      'with a cookie outside of its text',
      withNumber(32, libvirtHead().length - 92),
      { code: 'CORRUPT', details: { offset: 32 } },
    ],
    [
      'with XML that has no NUL at its end',
      Buffer.concat([libvirtHead({ room: 0 }).subarray(0, -1), Buffer.from(' ')]),
      { code: 'CORRUPT', message: 'a text in the libvirt save file has no NUL at its end', details: { offset: 92 } },
    ],
  ])('is rejected %s', (_, bytes, expected) => {
    expect(refusal(bytes)).toMatchObject(expected);
  });

  it('is rejected at the byte where it ends when it is truncated', () => {
    const head = libvirtHead({ cookie: '<cookie/>' });
    for (let length = 0; length < head.length; length += 1)
      expect(refusal(head.subarray(0, length))).toMatchObject({ code: 'TRUNCATED', details: { offset: length } });
  });
});
