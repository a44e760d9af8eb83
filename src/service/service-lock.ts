/** The lock that allows one stubferry service for each transfer directory. The kernel releases it with the process. */
import { join } from 'node:path';
import { StubferryError } from '../base/errors/index.js';
import { type FileLock, lockExclusive } from '../blockdev-utils/index.js';

/**
 * Locks a transfer directory for a service.
 *
 * @throws StubferryError SERVICE_RUNNING: when another process holds the lock; DISK_IO: when the lock file cannot be
 * opened
 */
export async function lockService(transferDir: string): Promise<FileLock> {
  const path = join(transferDir, 'service.lock');
  try {
    return await lockExclusive(path, { create: true });
  } catch (error) {
    if (!(error instanceof StubferryError) || error.code !== 'DISK_LOCKED') throw error;
    throw new StubferryError('SERVICE_RUNNING', 'another stubferry service uses this directory', {
      where: transferDir,
      expected: 'one service',
      found: `a live process that holds ${path} (see: fuser or lslocks)`,
      hint: 'stop the other service, or use another --transfer-dir',
      cause: error,
    });
  }
}
