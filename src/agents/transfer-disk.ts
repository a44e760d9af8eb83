/** The transfer disk, as the stubdom's agent uses it: found, its role locked, and let go of whatever happens. */
import type { BlockDevice } from '../blockdev-utils/index.js';
import type { Superblock } from '../codec/superblock.js';
import type { AgentContext } from './agent-context.js';
import { type AskedDom0, askForDisk } from './asked-disk.js';
import { type Expectation, type FoundDisk, findDisk } from './find-disk.js';
import { lockStubdomRole } from './role-lock.js';

/** Where the disk comes from: a path at which somebody puts it, or dom0, which is asked for it. */
export type DiskPlace = string | AskedDom0;

/** @throws StubferryError what {@link findDisk} and {@link askForDisk} throw, DISK_LOCKED, and what `use` throws */
export async function withTransferDisk<T>(
  place: DiskPlace,
  expectation: Expectation,
  context: Pick<AgentContext, 'timeouts' | 'signal'>,
  use: (device: BlockDevice, superblock: Superblock) => Promise<T>,
): Promise<T> {
  if (typeof place === 'string') return over(await findDisk(place, expectation, context), use);
  const asked = await askForDisk(place, expectation, context);
  try {
    return await over(asked.found, use);
  } finally {
    await asked.withdraw();
  }
}

async function over<T>(
  { device, superblock }: FoundDisk,
  use: (device: BlockDevice, superblock: Superblock) => Promise<T>,
): Promise<T> {
  try {
    const lock = await lockStubdomRole(device.path);
    try {
      return await use(device, superblock);
    } finally {
      await lock.release();
    }
  } finally {
    await device.close();
  }
}
