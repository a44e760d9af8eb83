/**
 * The backing of a transfer disk, and how dom0 accesses its bytes.
 *
 *     backing              loop device over it    dom0 agent opens        both see the same bytes, because
 *     file on tmpfs        buffered I/O           the file, buffered      the shared page cache is the medium
 *     file on a disk       direct I/O             the file, O_DIRECT      neither uses a page cache
 *     block device, LV     none needed            the device, O_DIRECT    neither uses a page cache
 *
 * Any other combination reads stale blocks, for example a loop device with buffered I/O and a file with O_DIRECT. dom0
 * never reads the loop device itself, because a loop device has a page cache of its own.
 */
import { stat, statfs } from 'node:fs/promises';
import { errnoOf, StubferryError } from '../base/errors/index.js';
import type { AccessPath } from './block-device.js';

/** The kind of a backing: a file in memory, a file on a disk, or a block device. */
export type BackingKind = 'memory' | 'file' | 'block';

/** The magic numbers of file systems in memory, tmpfs and ramfs (statfs(2), linux/magic.h). */
const MEMORY_FILE_SYSTEMS: readonly number[] = [0x01021994, 0x858458f6];

/**
 * Determines the kind of the backing at `path`.
 * @throws StubferryError DISK_ABSENT: when it does not exist
 * @throws StubferryError DISK_IO: when it is neither a regular file nor a block device
 */
export async function backingOf(path: string): Promise<BackingKind> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw new StubferryError('DISK_ABSENT', 'no such backing file or device', {
      where: path,
      found: errnoOf(cause),
      cause,
    });
  });
  if (stats.isBlockDevice()) return 'block';
  if (stats.isFile()) return (await isInMemory(path)) ? 'memory' : 'file';
  throw new StubferryError('DISK_IO', 'this kind of file cannot back a transfer disk', {
    where: path,
    expected: 'a regular file or a block device',
    found: stats.isDirectory() ? 'a directory' : 'a file of another kind',
  });
}

/** Whether a file or directory is on a file system in memory, whose only medium is the page cache. */
export async function isInMemory(path: string): Promise<boolean> {
  return MEMORY_FILE_SYSTEMS.includes((await statfs(path)).type);
}

/**
 * How the dom0 agent must open a backing whose disk another kernel uses, or this kernel uses without its page cache.
 */
export function coherentAccess(kind: BackingKind): AccessPath {
  return kind === 'memory' ? 'buffered' : 'direct';
}
