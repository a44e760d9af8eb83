/** A transfer disk that is a file: made and formatted, as dom0's agent leaves it before anybody is on it. */
import { createImage, openDevice } from '../../src/blockdev-utils/index.js';
import { diskSizeFor, formatDisk } from '../../src/channel/index.js';
import type { Superblock } from '../../src/codec/superblock.js';

export async function formattedImage(path: string, superblock: Superblock): Promise<void> {
  await createImage(path, diskSizeFor(superblock.ringLength));
  const device = await openDevice(path, { access: 'buffered' });
  await formatDisk(device, superblock);
  await device.close();
}
