/** One dom0's agent in a transfer folder: a lock that dies with its process. */
import { join } from 'node:path';
import { StubferryError } from '../base/errors/index.js';
import { type FileLock, lockExclusive } from '../blockdev-utils/index.js';

/** @throws StubferryError SERVICE_RUNNING, DISK_IO */
export async function lockService(transferDir: string): Promise<FileLock> {
  const path = join(transferDir, 'service.lock');
  try {
    return await lockExclusive(path, { create: true });
  } catch (error) {
    if (!(error instanceof StubferryError) || error.code !== 'DISK_LOCKED') throw error;
    throw new StubferryError('SERVICE_RUNNING', "another dom0's agent is at work in this folder", {
      where: transferDir,
      expected: 'one agent',
      found: `a live process that holds ${path} (see: fuser or lslocks)`,
      hint: 'stop it first, or give this one another --transfer-dir',
      cause: error,
    });
  }
}
