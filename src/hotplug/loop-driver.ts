/** A loop device over the backing: a real block device without Xen. The stubdom's agent uses it as it would use a vbd. */
import {
  attachLoop,
  coherentAccess,
  detachLoop,
  isLocked,
  type LoopDevice,
  listLoops,
  openDevice,
} from '../blockdev-utils/index.js';
import { readSuperblock } from '../channel/index.js';
import { StubferryError } from '../errors/index.js';
import type { Attachment, HotplugDriver } from './driver.js';

const attachmentOf = ({ node, file }: LoopDevice): Attachment => ({ device: node, backing: file });

async function list(): Promise<Attachment[]> {
  const loops = await listLoops();
  const carries = await Promise.all(loops.map(({ node }) => isTransferDisk(node)));
  return loops.filter((_, index) => carries[index]).map(attachmentOf);
}

export const loopDriver: HotplugDriver = {
  name: 'loop',
  accessTo: coherentAccess,
  attach: async (backing, kind) => attachmentOf(await attachLoop(backing, { directIo: kind !== 'memory' })),
  detach: ({ device }) => detachLoop(device),
  list,
  leftovers: async () => {
    const attached = await list();
    const owned = await Promise.all(attached.map(({ backing }) => isLocked(backing)));
    return attached.filter((_, index) => !owned[index]);
  },
};

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
