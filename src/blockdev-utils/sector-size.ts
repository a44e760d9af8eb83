/** The logical sector size of what a descriptor is open on. */
import { fstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { errnoOf, StubferryError } from '../base/errors/index.js';
import { ALIGNMENT } from './aligned-memory.js';

/** What regular files are taken to have: every file system in use can address 512 bytes. */
const FILE_SECTOR = 512;

/** Splits a Linux `dev_t` (glibc's 64-bit encoding) into the `MAJOR:MINOR` that sysfs uses. */
function sysfsName(dev: number): string {
  const wide = BigInt(dev);
  const major = ((wide >> 8n) & 0xfffn) | ((wide >> 32n) & 0xfffff000n);
  const minor = (wide & 0xffn) | ((wide >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

/**
 * Bytes; from `/sys/dev/block/MAJ:MIN/queue/logical_block_size` (of the whole disk for a partition).
 * @throws StubferryError DISK_IO for a sector larger than our blocks, which could not be written atomically
 */
export async function logicalSectorSize(fd: number): Promise<number> {
  const stat = fstatSync(fd);
  if (!stat.isBlockDevice()) return FILE_SECTOR;
  const folder = `/sys/dev/block/${sysfsName(stat.rdev)}`;
  const text = await readFile(`${folder}/queue/logical_block_size`, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return readFile(`${folder}/../queue/logical_block_size`, 'utf8');
  });
  const size = Number.parseInt(text, 10);
  if (!(size >= 512 && size <= ALIGNMENT && ALIGNMENT % size === 0)) {
    throw new StubferryError('DISK_IO', 'the disk has a sector size that stubferry cannot use', {
      where: folder,
      expected: `512 to ${ALIGNMENT} bytes`,
      found: text.trim(),
    });
  }
  return size;
}
