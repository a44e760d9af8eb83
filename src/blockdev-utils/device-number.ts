/** The number of a block device, by which a kernel knows it. */
import { stat } from 'node:fs/promises';
import { errnoOf, StubferryError } from '../base/errors/index.js';

export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** @param node path of a block device @throws StubferryError DISK_IO */
export async function deviceNumber(node: string): Promise<DeviceNumber> {
  const there = await stat(node, { bigint: true }).catch((cause: unknown) => {
    throw new StubferryError('DISK_IO', 'there is no such block device', { where: node, found: errnoOf(cause), cause });
  });
  if (!there.isBlockDevice()) {
    throw new StubferryError('DISK_IO', 'this is no block device', { where: node, found: 'something else' });
  }
  // makedev(3) of Linux, 64 bits: MMMM Mmmm mmmM MMmm in hexadecimal digits.
  const { rdev } = there;
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
