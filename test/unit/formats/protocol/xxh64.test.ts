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
  ])('of %j with seed %i is the published value %s', (text, seed, digest) => {
    expect(hex64(xxh64(ascii(text), seed))).toBe(digest);
  });

  it('uses all 64 bits of the seed', () => {
    const high = 1n << 63n;
    expect(xxh64(ascii('abc'), high)).not.toBe(xxh64(ascii('abc'), 0n));
  });

  it('hashes only the bytes of a view, and not its whole buffer', () => {
    const larger = ascii('..abc..');
    expect(xxh64(larger.subarray(2, 5), 0n)).toBe(xxh64(ascii('abc'), 0n));
  });
});

describe('createXxh64', () => {
  it('computes the same digest from any chunks as xxh64 from the whole', () => {
    const chunkLists = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 });
    fc.assert(
      fc.property(chunkLists, (chunks) => {
        const running = createXxh64();
        for (const chunk of chunks) running.update(chunk);
        expect(running.digest()).toBe(xxh64(Buffer.concat(chunks), 0n));
      }),
    );
  });
});

describe('hex64', () => {
  it('always has 16 digits', () => {
    expect(hex64(0n)).toBe('0000000000000000');
    expect(hex64(0xabcn)).toBe('0000000000000abc');
    expect(hex64(2n ** 64n - 1n)).toBe('ffffffffffffffff');
  });
});
