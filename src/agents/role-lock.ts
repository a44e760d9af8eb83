/**
 * Locks that admit one agent in each role on a disk. The dom0 agent locks the backing file. The stubdom agent locks its
 * device node. When the disk is a regular file, both agents open the same file, so the stubdom agent locks a separate
 * file beside it. dom0 removes that file with the disk.
 */
import { realpath, stat } from 'node:fs/promises';
import { errnoOf, StubferryError } from '../base/errors/index.js';
import { type FileLock, lockExclusive } from '../blockdev-utils/index.js';

/** Returns the path of the file that the stubdom agent locks when the transfer disk is a regular file. */
export function roleLockPath(disk: string): string {
  return `${disk}.stubdom-lock`;
}

/**
 * Locks the role of the stubdom on a disk.
 * @throws StubferryError DISK_LOCKED: when another agent has the role; DISK_ABSENT: when the disk was removed after it
 * was found
 */
export async function lockStubdomRole(disk: string): Promise<FileLock> {
  const node = await nodeOf(disk).catch((cause: unknown) => {
    throw new StubferryError('DISK_ABSENT', 'the transfer disk was removed', {
      where: disk,
      found: errnoOf(cause),
      hint: 'the dom0 agent failed or was stopped: see its log',
      cause,
    });
  });
  return node === undefined ? lockExclusive(roleLockPath(disk), { create: true }) : lockExclusive(node);
}

/**
 * Returns the node of a block device, or undefined for a file. `disk` may be a link to the node, as udev makes them.
 */
async function nodeOf(disk: string): Promise<string | undefined> {
  return (await stat(disk)).isBlockDevice() ? realpath(disk) : undefined;
}
