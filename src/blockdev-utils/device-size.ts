/** The size of what a descriptor is open on, without an ioctl: fs-ext has none. */
import { fstatSync } from 'node:fs';
import fsExt from 'fs-ext';

const SEEK_END = 2;

/**
 * Bytes. A block device's `st_size` is 0, so its end is sought; the descriptor's offset does not matter to
 * anybody, because all our reads and writes are positioned.
 */
export function deviceSize(fd: number): number {
  const stat = fstatSync(fd);
  return stat.isBlockDevice() ? fsExt.seekSync(fd, 0, SEEK_END) : stat.size;
}
