/** The transfer disk, as the stubdom's agent uses it: found, its role locked, and let go of whatever happens. */
import type { BlockDevice } from '../blockdev-utils/index.js';
import type { Superblock } from '../codec/superblock.js';
import type { AgentContext } from './agent-context.js';
import { type Expectation, findDisk } from './find-disk.js';
import { lockStubdomRole } from './role-lock.js';

/** @throws StubferryError what {@link findDisk} throws, DISK_LOCKED, and what `use` throws */
export async function withTransferDisk<T>(
  path: string,
  expectation: Expectation,
  context: Pick<AgentContext, 'timeouts' | 'signal'>,
  use: (device: BlockDevice, superblock: Superblock) => Promise<T>,
): Promise<T> {
  const { device, superblock } = await findDisk(path, expectation, context);
  try {
    const lock = await lockStubdomRole(path);
    try {
      return await use(device, superblock);
    } finally {
      await lock.release();
    }
  } finally {
    await device.close();
  }
}
