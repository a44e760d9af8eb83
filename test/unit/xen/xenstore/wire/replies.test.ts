/** Valid and invalid payloads of replies. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  booleanOf,
  checkDone,
  childrenOf,
  directoryPartOf,
  pathOf,
  refusalOf,
  transactionIdOf,
  watchEventOf,
} from '../../../../../src/xen/xenstore/wire/replies.js';
import { decodeStrings, decodeText, encodeStrings } from '../../../../../src/xen/xenstore/wire/strings.js';
import { errorOf } from '../../../../support/protocol/error-of.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('a reply', () => {
  it('is parsed', () => {
    expect(checkDone(bytes('OK\0'))).toBeUndefined();
    expect(transactionIdOf(bytes('1\0'))).toBe(1);
    expect(transactionIdOf(bytes('4294967295\0'))).toBe(4294967295);
    expect([booleanOf(bytes('T\0')), booleanOf(bytes('F\0'))]).toEqual([true, false]);
    expect(pathOf(bytes('/local/domain/3\0'))).toBe('/local/domain/3');
    expect(childrenOf(bytes(''))).toEqual([]);
    expect(childrenOf(bytes('a\0b-c\0@d\0'))).toEqual(['a', 'b-c', '@d']);
    expect(watchEventOf(bytes('/a/b\x0017\0'))).toEqual({ path: '/a/b', token: '17' });
    expect(watchEventOf(bytes('@releaseDomain\x0017\0'))).toEqual({ path: '@releaseDomain', token: '17' });
    expect(refusalOf(bytes('E2BIG\0'))).toBe('E2BIG');
  });

  const readers = {
    checkDone,
    transactionIdOf,
    booleanOf,
    pathOf,
    childrenOf,
    directoryPartOf,
    watchEventOf,
    refusalOf,
  };

  it.each([
    ['checkDone', ['', 'OK', 'ok\0', 'OK\0OK\0', '\0']],
    ['transactionIdOf', ['', '0\0', '-1\0', '1', '4294967296\0', '1x\0', '1\x002\0', '\0']],
    ['booleanOf', ['', 'T', 'X\0', 'T\0F\0']],
    ['pathOf', ['', '/a', '/a/\0', '/a\0/b\0', '\0', '/\xc3\xa9\0', '/\xff\0']],
    ['childrenOf', ['a', 'a/b\0', '\0', 'a\0\0', 'a b\0', '\xff\0']],
    ['directoryPartOf', ['', '1', '1\0', '1\0a', 'x\0a\0', '\0a\0', '1\0a\0\0b']],
    ['watchEventOf', ['', '/a\0', '/a\x001', '/a\x001\x002\0', '/a/\x001\0', '\x001\0']],
    ['refusalOf', ['', 'EIO', 'eio\0', 'EIO\0EIO\0', '\0', 'no such file\0']],
  ] as const)('%s rejects invalid payloads', (name, payloads) => {
    for (const payload of payloads) {
      expect(errorOf(() => readers[name](bytes(payload)))).toMatchObject({
        code: 'XENSTORE_PROTOCOL',
        message: 'invalid message from xenstored',
      });
    }
  });

  it('of any bytes is parsed or rejected with XENSTORE_PROTOCOL', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...Object.values(readers)), (payload, reader) => {
        try {
          reader(payload);
        } catch (error) {
          expect(error).toMatchObject({ code: 'XENSTORE_PROTOCOL' });
        }
      }),
    );
  });

  it('with a part of a list contains its generation and whether it is the last part', () => {
    const part = (text: string): unknown => {
      const { generation, bytes: list, isLast } = directoryPartOf(bytes(text));
      return [generation, Buffer.from(list).toString(), isLast];
    };
    expect(part('12\0a\0b\0')).toEqual(['12', 'a\0b\0', false]);
    expect(part('12\0a\0b\0\0')).toEqual(['12', 'a\0b\0', true]);
    expect(part('12\0\0')).toEqual(['12', '', true]);
  });
});

describe('strings in a payload', () => {
  it('are decoded as they were encoded', () => {
    const strings = fc.array(
      fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(strings, (given) => {
        expect(decodeStrings(encodeStrings(given))).toEqual(given);
      }),
    );
  });

  it('precede a value of any bytes', () => {
    expect(Buffer.from(encodeStrings(['/a'], Uint8Array.of(0, 255))).toString('latin1')).toBe('/a\0\0\xff');
  });

  it('are text only when they are UTF-8, even with a byte order mark', () => {
    expect(decodeText(Buffer.from('\ufeffa'))).toBe('\ufeffa');
    expect(decodeText(Uint8Array.of(0xc3))).toBeUndefined();
  });
});
