/** The transfer disk, as the stubdom's agent uses it: found, its role locked, and let go of whatever happens. */
import type { BlockDevice } from '../blockdev-utils/index.js';
import type { Superblock } from '../codec/superblock.js';
import type { AgentContext } from './agent-context.js';
import type { DiskAhead } from './disk-ahead.js';
import { type Expectation, findDisk } from './find-disk.js';
import { lockStubdomRole } from './role-lock.js';

/**
 * @param ahead where the disk may have been found already
 * @throws StubferryError what {@link findDisk} throws, DISK_LOCKED, and what `use` throws
 */
export async function withTransferDisk<T>(
  path: string,
  expectation: Expectation,
  context: Pick<AgentContext, 'timeouts' | 'signal'>,
  use: (device: BlockDevice, superblock: Superblock) => Promise<T>,
  ahead?: DiskAhead,
): Promise<T> {
  const { device, superblock } = (await ahead?.take()) ?? (await findDisk(path, expectation, context));
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
