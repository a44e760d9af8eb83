/** Loop devices that contain a transfer disk. */

import { StubferryError } from '../../base/errors/index.js';
import { listLoops, openDevice } from '../../blockdev-utils/index.js';
import { readSuperblock } from '../../transfer/ring/index.js';
import { fileOf } from './dom0-node.js';
import type { Attachment } from './driver.js';

/**
 * Returns the loop devices that contain a transfer disk.
 * @param directory only those whose file is below it
 * @throws StubferryError DISK_IO
 */
export async function transferLoops(directory?: string): Promise<Attachment[]> {
  const loops = (await listLoops()).filter((loop) => directory === undefined || isBelow(fileOf(loop), directory));
  const isTransfer = await Promise.all(loops.map(({ node }) => isTransferDisk(node)));
  return loops.filter((_, index) => isTransfer[index]).map((loop) => ({ device: loop.node, backing: fileOf(loop) }));
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}

/** Whether the device has a superblock. The read bypasses the page cache of this kernel. */
async function isTransferDisk(node: string): Promise<boolean> {
  try {
    const device = await openDevice(node, { access: 'direct', readOnly: true });
    try {
      await readSuperblock(device);
      return true;
    } finally {
      await device.close();
    }
  } catch (error) {
    if (error instanceof StubferryError) return false;
    throw error;
  }
}
