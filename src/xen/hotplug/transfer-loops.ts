/** Loop devices that carry a transfer disk. */

import { StubferryError } from '../../base/errors/index.js';
import { listLoops, openDevice } from '../../blockdev-utils/index.js';
import { readSuperblock } from '../../transfer/ring/index.js';
import { fileOf } from './dom0-node.js';
import type { Attachment } from './driver.js';

/** @param folder only those whose file is below it @throws StubferryError DISK_IO */
export async function transferLoops(folder?: string): Promise<Attachment[]> {
  const loops = (await listLoops()).filter((loop) => folder === undefined || isBelow(fileOf(loop), folder));
  const carries = await Promise.all(loops.map(({ node }) => isTransferDisk(node)));
  return loops.filter((_, index) => carries[index]).map((loop) => ({ device: loop.node, backing: fileOf(loop) }));
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** By its superblock, read past this kernel's page cache. */
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
