import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BLOCK_SIZE, viewOf, writeChecksum } from '../../../../src/formats/protocol/block.js';
import {
  type ControlBlock,
  decodeControlBlock,
  encodeControlBlock,
  type Role,
} from '../../../../src/formats/protocol/control-block.js';
import { bitsOfBlock, controlBlocks, u64s } from '../../../support/protocol/arbitrary-values.js';
import { withFlippedBit } from '../../../support/protocol/flipped-bit.js';

const SEED = 0x1234567890abcdefn;

const CONTROL: ControlBlock = {
  sequence: 5,
  epoch: 11n,
  peerEpoch: 22n,
  cursor: 8192,
  streamed: 4000,
  phase: 'streaming',
  errorStatus: 0,
  reason: '',
};

function encoded(control: ControlBlock, role: Role = 'sender', seed = SEED): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE).fill(0xff);
  encodeControlBlock(block, role, control, seed);
  return block;
}

/** The block of {@link CONTROL} in which `change` changed something, with its checksum again. */
function resealed(change: (view: DataView) => void): Uint8Array {
  const block = encoded(CONTROL);
  change(viewOf(block));
  writeChecksum(block, SEED);
  return block;
}

describe('a control block', () => {
  it('is decoded as it was encoded, whatever the buffer held before', () => {
    const roles = fc.constantFrom<Role>('sender', 'receiver');
    fc.assert(
      fc.property(controlBlocks, roles, u64s, (control, role, seed) => {
        expect(decodeControlBlock(encoded(control, role, seed), role, seed)).toEqual(control);
      }),
    );
  });

  it('with any single bit flipped is none', () => {
    const block = encoded({ ...CONTROL, reason: 'a reason' });
    fc.assert(
      fc.property(bitsOfBlock, (bit) => {
        expect(decodeControlBlock(withFlippedBit(block, bit), 'sender', SEED)).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });

  it('is never found in random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: BLOCK_SIZE, maxLength: BLOCK_SIZE }), u64s, (block, seed) => {
        expect(decodeControlBlock(block, 'sender', seed)).toBeUndefined();
      }),
    );
  });

  it('with random fields under a right checksum is a control block or none, and never an exception', () => {
    const places = fc.tuple(fc.integer({ min: 8, max: 63 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(places, { minLength: 1, maxLength: 30 }), (changes) => {
        const block = resealed((view) => {
          for (const [place, byte] of changes) view.setUint8(place, byte);
        });
        expect(() => decodeControlBlock(block, 'sender', SEED)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it('is none in a blank slot', () => {
    expect(decodeControlBlock(new Uint8Array(BLOCK_SIZE), 'sender', SEED)).toBeUndefined();
  });

  it("is none for the other role's reader", () => {
    expect(decodeControlBlock(encoded(CONTROL), 'receiver', SEED)).toBeUndefined();
  });

  it('is none in another slot or of another transfer: the seed differs', () => {
    expect(decodeControlBlock(encoded(CONTROL), 'sender', SEED ^ 1n)).toBeUndefined();
  });

  it.each<[string, (view: DataView) => void]>([
    ['a sequence above 2^53', (view) => view.setBigUint64(8, 2n ** 53n, true)],
    ['a cursor above 2^53', (view) => view.setBigUint64(32, 2n ** 53n, true)],
    ['a byte count above 2^53', (view) => view.setBigUint64(40, 2n ** 53n, true)],
    ['phase 0', (view) => view.setUint16(48, 0, true)],
    ['phase 10, which this version does not know', (view) => view.setUint16(48, 10, true)],
    ['a reason longer than 1024', (view) => view.setUint32(52, 1025, true)],
    ['a reason longer than the block', (view) => view.setUint32(52, 0xffffffff, true)],
  ])('is none with %s', (_, change) => {
    expect(decodeControlBlock(resealed(change), 'sender', SEED)).toBeUndefined();
  });
});

describe('the reason in a control block', () => {
  const reasonAfter = (reason: string): string | undefined =>
    decodeControlBlock(encoded({ ...CONTROL, reason }), 'sender', SEED)?.reason;

  it('keeps 1024 bytes, and is cut after them', () => {
    expect(reasonAfter('x'.repeat(1024))).toBe('x'.repeat(1024));
    expect(reasonAfter('x'.repeat(1025))).toBe('x'.repeat(1024));
  });

  it('is cut between characters, not within one', () => {
    expect(reasonAfter(`${'x'.repeat(1023)}€`)).toBe('x'.repeat(1023));
  });

  it('is safe to print', () => {
    expect(reasonAfter('\u001b]0;owned\u0007')).toBe('\\u{1b}]0;owned\\u{7}');
  });

  it('that is no UTF-8 is shown with replacements', () => {
    const block = resealed((view) => {
      view.setUint32(52, 2, true);
      view.setUint16(64, 0xfffe);
    });
    expect(decodeControlBlock(block, 'sender', SEED)?.reason).toBe('\ufffd\ufffd');
  });
});
