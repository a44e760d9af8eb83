import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BLOCK_SIZE, viewOf, writeChecksum } from '../../../../src/formats/protocol/block.js';
import { decodeFrameHeader, encodeFrameHeader, type FrameType } from '../../../../src/formats/protocol/frame.js';

const SEED = 5n;

/** Returns the header of a frame with 100 bytes of payload after `change`, with a valid checksum. */
function withChange(change: (view: DataView) => void, type: FrameType = 'data'): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const payloadLength = type === 'padding' ? 0 : 100;
  const numbers = { sequence: 1, position: 4096, streamOffset: 0 };
  encodeFrameHeader(block, { type, payloadLength, epoch: 2n, chainBefore: 3n, chainAfter: 4n, ...numbers }, SEED);
  change(viewOf(block));
  writeChecksum(block, SEED);
  return block;
}

describe('a frame header with a valid checksum is rejected for', () => {
  it.each<[string, (view: DataView) => void]>([
    ['a record longer than its block', (view) => view.setUint32(8, 4017, true)],
    ['a record of 4 GiB', (view) => view.setUint32(8, 0xffffffff, true)],
    ['a payload that needs more blocks than the frame has', (view) => view.setUint32(12, 4097, true)],
    ['no payload in a frame that has room for one', (view) => view.setUint32(12, 0, true)],
    ['a payload whose blocks overflow 32 bits', (view) => view.setUint32(12, 0xfffff000, true)],
    ['a frame that ends within a block', (view) => view.setUint32(48, 8191, true)],
    ['a frame longer than its payload needs', (view) => view.setUint32(48, 12288, true)],
    ['a frame shorter than its header', (view) => view.setUint32(48, 0, true)],
    ['a sequence above 2^53', (view) => view.setBigUint64(16, 2n ** 53n, true)],
    ['a position above 2^53', (view) => view.setBigUint64(32, 2n ** 53n, true)],
    ['a stream offset above 2^53', (view) => view.setBigUint64(40, 2n ** 53n, true)],
  ])('%s', (_, change) => {
    expect(decodeFrameHeader(withChange(change), SEED)).toBe('bad-length');
  });

  it.each<[string, (view: DataView) => void]>([
    ['padding with a payload', (view) => view.setUint32(12, 1, true)],
    ['padding of no length', (view) => view.setUint32(48, 0, true)],
    ['padding that ends within a block', (view) => view.setUint32(48, 4097, true)],
  ])('%s', (_, change) => {
    expect(decodeFrameHeader(withChange(change, 'padding'), SEED)).toBe('bad-length');
  });
});

describe('a frame of an unknown type', () => {
  it('is decoded with its number, and with whether a reader may skip it', () => {
    const mandatory = withChange((view) => view.setUint16(4, 999, true));
    expect(decodeFrameHeader(mandatory, SEED)).toMatchObject({
      type: undefined,
      typeNumber: 999,
      optional: false,
      payloadLength: 100,
    });
    const optional = withChange((view) => {
      view.setUint16(4, 999, true);
      view.setUint16(6, 1, true);
    });
    expect(decodeFrameHeader(optional, SEED)).toMatchObject({ type: undefined, optional: true });
  });

  it('includes the type 0', () => {
    const block = withChange((view) => view.setUint16(4, 0, true));
    expect(decodeFrameHeader(block, SEED)).toMatchObject({ type: undefined, typeNumber: 0 });
  });
});

describe('a frame header with random fields and a valid magic and checksum', () => {
  it('is decoded within its bounds or rejected, and never throws', () => {
    const changedBytes = fc.tuple(fc.integer({ min: 4, max: 71 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(changedBytes, { minLength: 1, maxLength: 40 }), (changes) => {
        const block = withChange((view) => {
          for (const [offset, byte] of changes) view.setUint8(offset, byte);
        });
        const header = decodeFrameHeader(block, SEED);
        if (typeof header === 'string') expect(header).toBe('bad-length');
        else {
          expect(header.record.length).toBeLessThanOrEqual(4016);
          expect(header.frameLength).toBeGreaterThanOrEqual(BLOCK_SIZE + header.payloadLength);
        }
      }),
      { numRuns: 500 },
    );
  });
});
