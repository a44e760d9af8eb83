import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Collected } from '../../../../src/formats/qevm/collected.js';

describe('Collected', () => {
  it('returns all bytes that were added, whatever number was expected', () => {
    const arbitrary = fc.array(fc.uint8Array({ maxLength: 100_000 }), { maxLength: 6 });
    fc.assert(
      fc.property(arbitrary, fc.nat(300_000), (chunks, expected) => {
        const collected = new Collected(expected);
        for (const chunk of chunks) collected.add(chunk);
        expect(collected.length).toBe(Buffer.concat(chunks).length);
        expect(Buffer.compare(collected.joined(), Buffer.concat(chunks))).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('copies the bytes, so that later changes of the source have no effect', () => {
    const collected = new Collected();
    const chunk = Uint8Array.of(1, 2, 3);
    collected.add(chunk);
    chunk.fill(9);
    expect(collected.joined()).toEqual(Uint8Array.of(1, 2, 3));
  });
});
