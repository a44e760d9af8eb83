/** Generators of values for property tests. They cover all values that a codec has to accept, including the limits. */
import fc from 'fast-check';
import { printable } from '../../../src/base/errors/index.js';
import { BLOCK_SIZE } from '../../../src/formats/protocol/block.js';
import { type ControlBlock, PHASES, type Phase } from '../../../src/formats/protocol/control-block.js';
import { LIMITS } from '../../../src/formats/protocol/limits.js';
import type { BeginRecord, EndRecord } from '../../../src/formats/protocol/records.js';
import { RING_START, type Superblock } from '../../../src/formats/protocol/superblock.js';
import { formatUuid } from '../../../src/formats/protocol/uuid.js';

/** Counts, lengths or positions. */
export const counts = fc.maxSafeNat();
export const u64s = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
export const u32s = fc.nat({ max: 0xffffffff });
export const uuids = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatUuid(bytes));
/** The number of a bit within one block. */
export const bitsOfBlock = fc.nat({ max: BLOCK_SIZE * 8 - 1 });

/** Text that is already safe to print, so that decoding does not change it. */
export function printableText(maxBytes: number): fc.Arbitrary<string> {
  return fc
    .string({ unit: 'binary', maxLength: maxBytes })
    .filter((text) => printable(text) === text && Buffer.byteLength(text) <= maxBytes);
}

export const superblocks: fc.Arbitrary<Superblock> = fc
  .record({
    ringStart: fc.integer({ min: RING_START / BLOCK_SIZE, max: 1024 }).map((blocks) => blocks * BLOCK_SIZE),
    transferUuid: uuids,
    targetUuid: uuids,
    targetDomid: u32s,
    direction: fc.constantFrom('save' as const, 'restore' as const),
    maxPayload: fc.integer({ min: LIMITS.payload.min, max: LIMITS.payload.max }),
    maxState: fc.integer({ min: LIMITS.state.min, max: LIMITS.state.max }),
    writer: printableText(32),
  })
  .chain((fields) => {
    const smallest = Math.ceil(Math.max(LIMITS.ring.min, 2 * (BLOCK_SIZE + fields.maxPayload)) / BLOCK_SIZE);
    return fc
      .integer({ min: smallest, max: LIMITS.ring.max / BLOCK_SIZE })
      .map((blocks) => ({ ...fields, ringLength: blocks * BLOCK_SIZE }));
  });

export const controlBlocks: fc.Arbitrary<ControlBlock> = fc.record({
  sequence: counts,
  epoch: u64s,
  peerEpoch: u64s,
  cursor: counts,
  streamed: counts,
  phase: fc.constantFrom(...(Object.keys(PHASES) as Phase[])),
  errorStatus: fc.nat({ max: 0xffff }),
  reason: printableText(200),
});

export const beginRecords: fc.Arbitrary<BeginRecord> = fc.record({
  kind: fc.constantFrom('device-state' as const, 'migration-stream' as const, 'opaque' as const),
  targetUuid: uuids,
  targetDomid: u32s,
  qemuVersion: printableText(64),
  machineType: printableText(64),
  stubferryVersion: printableText(64),
  createdMs: counts,
  sha256: fc.boolean(),
});

const digests = fc.record({
  xxh64: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});

export const endRecords: fc.Arbitrary<EndRecord> = fc.record({
  stateBytes: counts,
  dataFrames: counts,
  chain: u64s,
  digests: fc.option(digests, { nil: undefined }),
});
