/** A transfer disk in a file, created and formatted as the dom0 agent leaves it before any agent opens it. */
import { createImage, openDevice } from '../../../src/blockdev-utils/index.js';
import type { Superblock } from '../../../src/formats/protocol/superblock.js';
import { diskSizeFor, formatDisk } from '../../../src/transfer/ring/index.js';

export async function formattedImage(path: string, superblock: Superblock): Promise<void> {
  await createImage(path, diskSizeFor(superblock.ringLength));
  const device = await openDevice(path, { access: 'buffered' });
  await formatDisk(device, superblock);
  await device.close();
}
