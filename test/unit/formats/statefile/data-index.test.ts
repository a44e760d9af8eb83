import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DataIndex, decodeIndexEntries, type IndexEntry } from '../../../../src/formats/statefile/data-index.js';

const entryOf = (frame: number): IndexEntry => ({
  streamOffset: frame * 10,
  fileOffset: 8192 + frame * 4096,
});

function indexOf(frames: number): DataIndex {
  const index = new DataIndex();
  for (let frame = 0; frame < frames; frame += 1) index.add(entryOf(frame));
  return index;
}

describe('the index of a statefile', () => {
  it('contains every frame of a file with up to 4096 frames', () => {
    expect(indexOf(0).entries).toEqual([]);
    expect(indexOf(4096).entries).toEqual(Array.from({ length: 4096 }, (_, frame) => entryOf(frame)));
  });

  it.each([
    [4097, 2, 2049],
    [8192, 2, 4096],
    [8193, 4, 2049],
    [8195, 4, 2049],
    [16384, 4, 4096],
    [16385, 8, 2049],
    [100_000, 32, 3125],
  ])('of %i frames contains every %ith frame, %i in total', (frames, stride, count) => {
    const expected = Array.from({ length: count }, (_, position) => entryOf(position * stride));
    expect(indexOf(frames).entries).toEqual(expected);
  });

  it('is the same after encoding and decoding', () => {
    fc.assert(
      fc.property(fc.nat({ max: 300 }), (frames) => {
        const index = indexOf(frames);
        expect(decodeIndexEntries(index.encode(), frames)).toEqual(index.entries);
      }),
    );
  });
});

describe('decodeIndexEntries rejects', () => {
  const encoded = (...numbers: bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(numbers).buffer);

  it.each<[string, Uint8Array, number]>([
    ['fewer entries than declared', encoded(0n, 8192n), 2],
    ['more entries than declared', encoded(0n, 8192n, 10n, 16384n), 1],
    ['half an entry', encoded(0n), 1],
    ['a stream offset above 2^53', encoded(2n ** 53n, 8192n), 1],
    ['a file offset above 2^53', encoded(0n, 2n ** 53n), 1],
    ['a stream offset that does not increase', encoded(10n, 8192n, 10n, 16384n), 2],
    ['a file offset that does not increase', encoded(0n, 8192n, 10n, 8192n), 2],
    ['entries in descending order', encoded(10n, 16384n, 0n, 8192n), 2],
  ])('%s', (_, payload, count) => {
    expect(decodeIndexEntries(payload, count)).toBeUndefined();
  });
});
