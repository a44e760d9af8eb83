/** The logical sector size of a file or block device. */
import { fstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { errnoOf, StubferryError } from '../base/errors/index.js';
import { ALIGNMENT } from './aligned-memory.js';

/** The sector size that is assumed for regular files. Every file system in use can address units of 512 bytes. */
const FILE_SECTOR = 512;

/** Formats a Linux `dev_t` (in the 64-bit encoding of glibc) as the `MAJOR:MINOR` of sysfs. */
function sysfsName(dev: number): string {
  const wide = BigInt(dev);
  const major = ((wide >> 8n) & 0xfffn) | ((wide >> 32n) & 0xfffff000n);
  const minor = (wide & 0xffn) | ((wide >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

/**
 * Reads the logical sector size in bytes from `/sys/dev/block/MAJ:MIN/queue/logical_block_size`. For a partition it
 * reads the size of the whole disk.
 * @throws StubferryError DISK_IO: when a sector is larger than a block of stubferry, which could then not be written
 * atomically
 */
export async function logicalSectorSize(fd: number): Promise<number> {
  const stat = fstatSync(fd);
  if (!stat.isBlockDevice()) return FILE_SECTOR;
  const directory = `/sys/dev/block/${sysfsName(stat.rdev)}`;
  const text = await readFile(`${directory}/queue/logical_block_size`, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return readFile(`${directory}/../queue/logical_block_size`, 'utf8');
  });
  const size = Number.parseInt(text, 10);
  if (!(size >= 512 && size <= ALIGNMENT && ALIGNMENT % size === 0)) {
    throw new StubferryError('DISK_IO', 'the disk has a sector size that stubferry cannot use', {
      where: directory,
      expected: `512 to ${ALIGNMENT} bytes`,
      found: text.trim(),
    });
  }
  return size;
}
