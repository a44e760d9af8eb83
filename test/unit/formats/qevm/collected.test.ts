import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Collected } from '../../../../src/formats/qevm/collected.js';

describe('Collected', () => {
  it('gives back all that was added, whatever was expected', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 100_000 }), { maxLength: 6 });
    fc.assert(
      fc.property(pieces, fc.nat(300_000), (parts, expected) => {
        const collected = new Collected(expected);
        for (const part of parts) collected.add(part);
        expect(collected.length).toBe(Buffer.concat(parts).length);
        expect(Buffer.compare(collected.joined(), Buffer.concat(parts))).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps what was added when its source changes', () => {
    const collected = new Collected();
    const part = Uint8Array.of(1, 2, 3);
    collected.add(part);
    part.fill(9);
    expect(collected.joined()).toEqual(Uint8Array.of(1, 2, 3));
  });
});
