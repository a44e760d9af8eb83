/** The device number of a block device, by which the kernel identifies it. */
import { stat } from 'node:fs/promises';
import { errnoOf, StubferryError } from '../base/errors/index.js';

/** The major and minor number of a device. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/**
 * Reads the device number of a block device.
 * @param node the path of the device node
 * @throws StubferryError DISK_IO: when the node does not exist or is not a block device
 */
export async function deviceNumber(node: string): Promise<DeviceNumber> {
  const stats = await stat(node, { bigint: true }).catch((cause: unknown) => {
    throw new StubferryError('DISK_IO', 'no such block device', { where: node, found: errnoOf(cause), cause });
  });
  if (!stats.isBlockDevice()) {
    throw new StubferryError('DISK_IO', 'not a block device', { where: node, found: 'a file of another kind' });
  }
  // The 64-bit encoding of makedev(3) on Linux, in hexadecimal digits: MMMM Mmmm mmmM MMmm.
  const { rdev } = stats;
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
