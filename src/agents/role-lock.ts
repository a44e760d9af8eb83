/**
 * One agent in each role on a disk. dom0's agent locks the backing file. The stubdom's agent locks its device node; in
 * the embedded default that would be the very same file, so it locks a file beside it, which dom0 removes with the disk.
 */
import { realpath, stat } from 'node:fs/promises';
import { type FileLock, lockExclusive } from '../blockdev-utils/index.js';

/** The file that a stubdom's agent locks for a transfer disk that is a regular file. */
export function roleLockPath(disk: string): string {
  return `${disk}.stubdom-lock`;
}

/** Locks the stubdom's role. @throws StubferryError DISK_LOCKED */
export async function lockStubdomRole(disk: string): Promise<FileLock> {
  const isBlockDevice = (await stat(disk)).isBlockDevice();
  // Its node may be named by a link, as udev makes them.
  return isBlockDevice ? lockExclusive(await realpath(disk)) : lockExclusive(roleLockPath(disk), { create: true });
}
