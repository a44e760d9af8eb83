import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createXxh64, hex64, xxh64 } from '../../../../src/formats/protocol/xxh64.js';

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('xxh64', () => {
  it.each([
    ['', 0n, 'ef46db3751d8e999'],
    ['a', 0n, 'd24ec4f1a98c6e5b'],
    ['abc', 0n, '44bc2cf5ad770999'],
    ['xxhash', 0n, '32dd38952c4bc720'],
    ['xxhash', 20141025n, 'b559b98d844e0635'],
    ['Nobody inspects the spammish repetition', 0n, 'fbcea83c8a378bf1'],
  ])('of %j with seed %i is the published %s', (text, seed, digest) => {
    expect(hex64(xxh64(ascii(text), seed))).toBe(digest);
  });

  it('takes a seed of all 64 bits', () => {
    const high = 1n << 63n;
    expect(xxh64(ascii('abc'), high)).not.toBe(xxh64(ascii('abc'), 0n));
  });

  it('reads a view into a larger buffer, not the buffer', () => {
    const larger = ascii('..abc..');
    expect(xxh64(larger.subarray(2, 5), 0n)).toBe(xxh64(ascii('abc'), 0n));
  });
});

describe('createXxh64', () => {
  it('gives for any pieces what xxh64 gives for the whole', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 });
    fc.assert(
      fc.property(pieces, (parts) => {
        const running = createXxh64();
        for (const part of parts) running.update(part);
        expect(running.digest()).toBe(xxh64(Buffer.concat(parts), 0n));
      }),
    );
  });
});

describe('hex64', () => {
  it('is always 16 digits', () => {
    expect(hex64(0n)).toBe('0000000000000000');
    expect(hex64(0xabcn)).toBe('0000000000000abc');
    expect(hex64(2n ** 64n - 1n)).toBe('ffffffffffffffff');
  });
});
