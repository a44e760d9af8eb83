/** The transfer disk, as the stubdom's agent uses it: found, its role locked, and let go of whatever happens. */
import type { BlockDevice, FileLock } from '../blockdev-utils/index.js';
import type { Superblock } from '../formats/protocol/superblock.js';
import type { AgentContext } from './agent-context.js';
import { releaseDisk } from './disk-deadline.js';
import { lockStubdomRole } from './role-lock.js';
import { type Expectation, type FoundDisk, findDisk } from './stubdom/find-disk.js';
import { type Dom0Requests, requestDisk } from './stubdom/requested-disk.js';

/** Where the disk comes from: a path at which somebody puts it, or dom0, which is asked for it. */
export type DiskPlace = string | Dom0Requests;

/** @throws StubferryError what {@link findDisk} and {@link requestDisk} throw, DISK_LOCKED, and what `use` throws */
export async function withTransferDisk<T>(
  place: DiskPlace,
  expectation: Expectation,
  context: Pick<AgentContext, 'timeouts' | 'signal' | 'log'>,
  use: (device: BlockDevice, superblock: Superblock) => Promise<T>,
): Promise<T> {
  if (typeof place === 'string') return over(await findDisk(place, expectation, context), context, use);
  const asked = await requestDisk(place, expectation, context);
  try {
    return await over(asked.found, context, use);
  } finally {
    await asked.withdraw();
  }
}

async function over<T>(
  { device, superblock }: FoundDisk,
  context: Pick<AgentContext, 'timeouts' | 'log'>,
  use: (device: BlockDevice, superblock: Superblock) => Promise<T>,
): Promise<T> {
  let lock: FileLock | undefined;
  try {
    lock = await lockStubdomRole(device.path);
    return await use(device, superblock);
  } finally {
    const releaseFound = async (): Promise<void> => {
      await lock?.release();
      await device.close();
    };
    await releaseDisk(device, context, releaseFound());
  }
}
