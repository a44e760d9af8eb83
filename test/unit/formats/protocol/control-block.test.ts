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

/** Returns the block of {@link CONTROL} after `change`, with a valid checksum. */
function withChange(change: (view: DataView) => void): Uint8Array {
  const block = encoded(CONTROL);
  change(viewOf(block));
  writeChecksum(block, SEED);
  return block;
}

describe('a control block', () => {
  it('is the same after encoding and decoding, whatever the buffer contained before', () => {
    const roles = fc.constantFrom<Role>('sender', 'receiver');
    fc.assert(
      fc.property(controlBlocks, roles, u64s, (control, role, seed) => {
        expect(decodeControlBlock(encoded(control, role, seed), role, seed)).toEqual(control);
      }),
    );
  });

  it('is rejected with any single bit flipped', () => {
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

  it('with random fields and a valid checksum is decoded or rejected, and never throws', () => {
    const changedBytes = fc.tuple(fc.integer({ min: 8, max: 63 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(changedBytes, { minLength: 1, maxLength: 30 }), (changes) => {
        const block = withChange((view) => {
          for (const [offset, byte] of changes) view.setUint8(offset, byte);
        });
        expect(() => decodeControlBlock(block, 'sender', SEED)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it('is not found in a blank slot', () => {
    expect(decodeControlBlock(new Uint8Array(BLOCK_SIZE), 'sender', SEED)).toBeUndefined();
  });

  it('is rejected when the reader expects the other role', () => {
    expect(decodeControlBlock(encoded(CONTROL), 'receiver', SEED)).toBeUndefined();
  });

  it('is rejected in another slot or of another transfer, because the seed differs', () => {
    expect(decodeControlBlock(encoded(CONTROL), 'sender', SEED ^ 1n)).toBeUndefined();
  });

  it.each<[string, (view: DataView) => void]>([
    ['a sequence above 2^53', (view) => view.setBigUint64(8, 2n ** 53n, true)],
    ['a cursor above 2^53', (view) => view.setBigUint64(32, 2n ** 53n, true)],
    ['a byte count above 2^53', (view) => view.setBigUint64(40, 2n ** 53n, true)],
    ['phase 0', (view) => view.setUint16(48, 0, true)],
    ['the unknown phase 10', (view) => view.setUint16(48, 10, true)],
    ['a reason longer than 1024', (view) => view.setUint32(52, 1025, true)],
    ['a reason longer than the block', (view) => view.setUint32(52, 0xffffffff, true)],
  ])('is rejected with %s', (_, change) => {
    expect(decodeControlBlock(withChange(change), 'sender', SEED)).toBeUndefined();
  });
});

describe('the reason in a control block', () => {
  const reasonAfter = (reason: string): string | undefined =>
    decodeControlBlock(encoded({ ...CONTROL, reason }), 'sender', SEED)?.reason;

  it('is truncated to 1024 bytes', () => {
    expect(reasonAfter('x'.repeat(1024))).toBe('x'.repeat(1024));
    expect(reasonAfter('x'.repeat(1025))).toBe('x'.repeat(1024));
  });

  it('is truncated between characters, and not within one', () => {
    expect(reasonAfter(`${'x'.repeat(1023)}€`)).toBe('x'.repeat(1023));
  });

  it('is safe to print', () => {
    expect(reasonAfter('\u001b]0;owned\u0007')).toBe('\\u{1b}]0;owned\\u{7}');
  });

  it('is decoded with replacement characters when it is not valid UTF-8', () => {
    const block = withChange((view) => {
      view.setUint32(52, 2, true);
      view.setUint16(64, 0xfffe);
    });
    expect(decodeControlBlock(block, 'sender', SEED)?.reason).toBe('\ufffd\ufffd');
  });
});
