/** The size of a file or block device, without an ioctl: fs-ext has none. */
import { fstatSync } from 'node:fs';
import fsExt from 'fs-ext';

const SEEK_END = 2;

/**
 * The size in bytes of the file or block device that `fd` is open on.
 *
 * The `st_size` of a block device is 0, so the function seeks to its end. It does not restore the offset of the
 * descriptor, because all reads and writes of stubferry are positioned.
 */
export function deviceSize(fd: number): number {
  const stat = fstatSync(fd);
  return stat.isBlockDevice() ? fsExt.seekSync(fd, 0, SEEK_END) : stat.size;
}
