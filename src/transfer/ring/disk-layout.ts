/**
 * Where things are on a transfer disk. Offsets in bytes; every part is whole blocks of 4096.
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

export const SUPERBLOCK_OFFSETS = [0, BLOCK_SIZE] as const;
export const CONTROL_OFFSETS = { receiver: 2 * BLOCK_SIZE, sender: 4 * BLOCK_SIZE } as const satisfies Record<
  Role,
  number
>;
export const CONTROL_SLOTS = 2;
export const RESERVED_OFFSET = 6 * BLOCK_SIZE;

/** Bytes of a disk with such a ring. */
export function diskSizeFor(ringLength: number): number {
  return RING_START + ringLength;
}

/** Where a ring position is on the disk, bytes. */
export function ringPlace({ ringStart, ringLength }: Superblock, position: number): number {
  return ringStart + (position % ringLength);
}

/** The seed of the checksum of a control slot: it says both the transfer and the place. */
export function controlSeed(superblock: Superblock, role: Role, slot: number): bigint {
  return uuidSeed(superblock.transferUuid) ^ BigInt(CONTROL_OFFSETS[role] / BLOCK_SIZE + slot);
}

/**
 * Writes both copies of the superblock on a disk that is otherwise blank. Afterwards an agent recognises the disk,
 * so this is the last thing to do before the other side may see it.
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
 * The superblock of a disk, from the first copy that is whole.
 *
 * @throws StubferryError NOT_A_TRANSFER_DISK, UNSUPPORTED_VERSION, CORRUPT, LIMIT_EXCEEDED: what is wrong with the
 *   first copy, when the second is no better
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
