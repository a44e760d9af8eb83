/**
 * One agent in each role on a disk. dom0's agent locks the backing file. The stubdom's agent locks its device node; in
 * the embedded default that would be the very same file, so it locks a file beside it, which dom0 removes with the disk.
 */
import { realpath, stat } from 'node:fs/promises';
import { errnoOf, StubferryError } from '../base/errors/index.js';
import { type FileLock, lockExclusive } from '../blockdev-utils/index.js';

/** The file that a stubdom's agent locks for a transfer disk that is a regular file. */
export function roleLockPath(disk: string): string {
  return `${disk}.stubdom-lock`;
}

/** Locks the stubdom's role. @throws StubferryError DISK_LOCKED; DISK_ABSENT for a disk that was taken away since it was found */
export async function lockStubdomRole(disk: string): Promise<FileLock> {
  const node = await nodeOf(disk).catch((cause: unknown) => {
    throw new StubferryError('DISK_ABSENT', 'the transfer disk was taken away', {
      where: disk,
      found: errnoOf(cause),
      hint: "dom0's agent has given up, or was stopped: see its log",
      cause,
    });
  });
  return node === undefined ? lockExclusive(roleLockPath(disk), { create: true }) : lockExclusive(node);
}

/** The node of a block device, which may be named by a link, as udev makes them; undefined for a file. */
async function nodeOf(disk: string): Promise<string | undefined> {
  return (await stat(disk)).isBlockDevice() ? realpath(disk) : undefined;
}
