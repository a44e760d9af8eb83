/**
 * The backing of a transfer disk: an image file that is created for it and removed afterwards, or an existing block
 * device (an LV, for example) that remains.
 *
 * A block device is used only if its first 64 KiB contain zeros or an earlier transfer disk, because any other device
 * may belong to a guest. After the transfer they are overwritten with zeros, so that the device is not mistaken for a
 * transfer disk.
 */
import { stat, unlink } from 'node:fs/promises';
import { StubferryError } from '../../base/errors/index.js';
import { alignedBuffer, type BlockDevice, createImage, openDevice } from '../../blockdev-utils/index.js';
import { isBlank } from '../../formats/protocol/block.js';
import { RING_START } from '../../formats/protocol/superblock.js';
import { readSuperblock } from '../../transfer/ring/index.js';

/**
 * Creates the image file at `path`, or checks the block device there, for a disk of `size` bytes.
 *
 * @returns a function that releases the backing: it removes the file, or overwrites the front of the device. With
 * `keep` it does nothing.
 * @throws StubferryError DISK_EXISTS: when the file exists, or the device contains other data; DISK_NO_SPACE: when the
 * device or file system is too small; DISK_IO
 */
export async function takeBacking(path: string, size: number, keep: boolean): Promise<() => Promise<void>> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isBlockDevice() !== true) {
    await createImage(path, size);
    return keep ? async () => undefined : () => unlink(path);
  }
  await onDevice(path, (device) => assertFree(device, size));
  return keep ? async () => undefined : () => onDevice(path, blank);
}

async function onDevice(path: string, work: (device: BlockDevice) => Promise<void>): Promise<void> {
  const device = await openDevice(path, { access: 'direct' });
  try {
    await work(device);
  } finally {
    await device.close();
  }
}

async function assertFree(device: BlockDevice, size: number): Promise<void> {
  if (device.size < size) {
    throw new StubferryError('DISK_NO_SPACE', 'the block device is too small for the transfer disk', {
      where: device.path,
      expected: `${size} bytes`,
      found: `${device.size} bytes`,
      hint: 'use a smaller --ring, or another device',
    });
  }
  const front = alignedBuffer(RING_START);
  await device.read(front, 0);
  if (isBlank(front) || (await isTransferDisk(device))) return;
  throw new StubferryError('DISK_EXISTS', 'the block device contains other data', {
    where: device.path,
    expected: 'zeros, or an earlier transfer disk',
    found: 'other bytes in the first 64 KiB',
    hint: `is it the right one? if nothing on it is needed: wipefs --all ${device.path}; blkdiscard --zeroout --length 64K ${device.path}`,
  });
}

async function isTransferDisk(device: BlockDevice): Promise<boolean> {
  try {
    await readSuperblock(device);
    return true;
  } catch (error) {
    if (error instanceof StubferryError) return false;
    throw error;
  }
}

async function blank(device: BlockDevice): Promise<void> {
  await device.write(alignedBuffer(RING_START), 0);
  await device.flush();
}
