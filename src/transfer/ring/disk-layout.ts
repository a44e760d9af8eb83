/**
 * The layout of a transfer disk. Offsets are in bytes; every part consists of whole blocks of 4096 bytes.
 *
 *     0      superblock, first copy
 *     4K     superblock, second copy
 *     8K     receiver's control block, slots 0 and 1
 *     16K    sender's control block, slots 0 and 1
 *     24K    reserved, zeros
 *     64K    ring
 */

import { StubferryError } from '../../base/errors/index.js';
import type { BlockDevice } from '../../blockdev-utils/index.js';
import { alignedBuffer } from '../../blockdev-utils/index.js';
import { BLOCK_SIZE } from '../../formats/protocol/block.js';
import type { Role } from '../../formats/protocol/control-block.js';
import {
  checkLimits,
  decodeSuperblock,
  encodeSuperblock,
  RING_START,
  type Superblock,
} from '../../formats/protocol/superblock.js';
import { uuidSeed } from '../../formats/protocol/uuid.js';

/** Offsets of the two copies of the superblock. */
export const SUPERBLOCK_OFFSETS = [0, BLOCK_SIZE] as const;
/** Offset of the first control slot of each role. */
export const CONTROL_OFFSETS = { receiver: 2 * BLOCK_SIZE, sender: 4 * BLOCK_SIZE } as const satisfies Record<
  Role,
  number
>;
/** Control slots for each role, one block each. */
export const CONTROL_SLOTS = 2;
/** Start of the reserved blocks, which end where the ring starts. */
export const RESERVED_OFFSET = 6 * BLOCK_SIZE;

/** Size of a disk with a ring of `ringLength` bytes, in bytes. */
export function diskSizeFor(ringLength: number): number {
  return RING_START + ringLength;
}

/** Offset of a ring position on the disk, in bytes. */
export function ringOffset({ ringStart, ringLength }: Superblock, position: number): number {
  return ringStart + (position % ringLength);
}

/**
 * Seed of the checksum of a control slot. It identifies the transfer and the location, so that a block of another
 * transfer or slot is invalid.
 */
export function controlSeed(superblock: Superblock, role: Role, slot: number): bigint {
  return uuidSeed(superblock.transferUuid) ^ BigInt(CONTROL_OFFSETS[role] / BLOCK_SIZE + slot);
}

/**
 * Writes both copies of the superblock to a disk that is otherwise blank. An agent recognises the disk from then on, so
 * this must be the last step before the other side can access the disk.
 *
 * @throws StubferryError LIMIT_EXCEEDED, DISK_IO
 */
export async function formatDisk(device: BlockDevice, superblock: Superblock): Promise<void> {
  checkLimits(superblock, device.path);
  const both = alignedBuffer(2 * BLOCK_SIZE);
  const block = encodeSuperblock(superblock);
  both.set(block, 0);
  both.set(block, BLOCK_SIZE);
  await device.write(both, SUPERBLOCK_OFFSETS[0]);
  await device.flush();
}

/**
 * Reads the superblock of a disk from its first valid copy.
 *
 * @throws StubferryError NOT_A_TRANSFER_DISK, UNSUPPORTED_VERSION, CORRUPT, LIMIT_EXCEEDED: the error of the first
 *   copy, when the second one is invalid too
 * @throws StubferryError DISK_IO
 */
export async function readSuperblock(device: BlockDevice): Promise<Superblock> {
  const length = BLOCK_SIZE * SUPERBLOCK_OFFSETS.length;
  if (device.size < RING_START) {
    throw new StubferryError('NOT_A_TRANSFER_DISK', 'the disk is too small to be a transfer disk', {
      where: device.path,
      expected: `at least ${RING_START} bytes`,
      found: `${device.size} bytes`,
    });
  }
  const both = alignedBuffer(length);
  await device.read(both, 0);
  const errors: unknown[] = [];
  for (const offset of SUPERBLOCK_OFFSETS) {
    try {
      return decodeSuperblock(both.subarray(offset, offset + BLOCK_SIZE), device.path, offset, device.size);
    } catch (error) {
      errors.push(error);
    }
  }
  throw errors[0];
}
