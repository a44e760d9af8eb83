/**
 * What a transfer disk is put on: an image that is made for it and removed, or a block device (an LV, say) that is there already and
 * stays.
 *
 * A device that holds anything but zeros or an earlier transfer disk is not touched: it may be a guest's. Afterwards its front is
 * zeros again, so that nobody takes it for a transfer disk.
 */
import { stat, unlink } from 'node:fs/promises';
import { StubferryError } from '../../base/errors/index.js';
import { alignedBuffer, type BlockDevice, createImage, openDevice } from '../../blockdev-utils/index.js';
import { isBlank } from '../../formats/protocol/block.js';
import { RING_START } from '../../formats/protocol/superblock.js';
import { readSuperblock } from '../../transfer/ring/index.js';

/**
 * Makes or checks what is at `path`, for a disk of `size` bytes.
 *
 * @returns how to let go of it
 * @throws StubferryError DISK_EXISTS, DISK_NO_SPACE, DISK_IO
 */
export async function takeBacking(path: string, size: number, keep: boolean): Promise<() => Promise<void>> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isBlockDevice() !== true) {
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
  throw new StubferryError('DISK_EXISTS', 'the block device holds something else', {
    where: device.path,
    expected: 'zeros, or an earlier transfer disk',
    found: 'other bytes in its first 64 KiB',
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
