/**
 * What a transfer disk is made of, and which way dom0 may go to its bytes.
 *
 *     backing              a loop device over it    dom0's agent opens      both see the same bytes, because
 *     file on tmpfs        buffered I/O             the file, buffered      one page cache is the medium
 *     file on a disk       direct I/O               the file, O_DIRECT      neither uses a page cache
 *     block device, LV     (is one already)         the device, O_DIRECT    neither uses a page cache
 *
 * Any other pair reads stale blocks: a loop device with buffered I/O and a file with O_DIRECT, say. And dom0 never reads a loop
 * device itself: its page cache is a third place.
 */
import { stat, statfs } from 'node:fs/promises';
import { errnoOf, StubferryError } from '../base/errors/index.js';
import type { AccessPath } from './block-device.js';

export type BackingKind = 'memory' | 'file' | 'block';

/** File systems that are nothing but page cache: statfs(2), linux/magic.h. */
const MEMORY_FILE_SYSTEMS: readonly number[] = [0x01021994, 0x858458f6];

/** @throws StubferryError DISK_ABSENT, DISK_IO for what can be no backing */
export async function backingOf(path: string): Promise<BackingKind> {
  const there = await stat(path).catch((cause: unknown) => {
    throw new StubferryError('DISK_ABSENT', 'there is no such backing', { where: path, found: errnoOf(cause), cause });
  });
  if (there.isBlockDevice()) return 'block';
  if (there.isFile()) return (await isInMemory(path)) ? 'memory' : 'file';
  throw new StubferryError('DISK_IO', 'this cannot back a transfer disk', {
    where: path,
    expected: 'a regular file or a block device',
    found: there.isDirectory() ? 'a folder' : 'something else',
  });
}

/** Whether a file or folder is on a file system that is nothing but page cache. */
export async function isInMemory(path: string): Promise<boolean> {
  return MEMORY_FILE_SYSTEMS.includes((await statfs(path)).type);
}

/** How dom0's agent opens a backing whose disk is used by another kernel, or past the page cache of this one. */
export function coherentAccess(kind: BackingKind): AccessPath {
  return kind === 'memory' ? 'buffered' : 'direct';
}
