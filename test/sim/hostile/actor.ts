/** The main function of a hostile process in the stubdom: waits for the disk, and then attacks dom0. */

import { DEVICE } from '../machine/hotplug.js';
import type { Process } from '../machine/process.js';
import type { Product } from '../world/product.js';
import { Forge } from './forge.js';
import { HostileReceiver } from './receiver.js';
import { HostileSender } from './sender.js';

export type HostileActor = HostileSender | HostileReceiver;

/** The timeout for the disk, in milliseconds. */
const DISK_TIMEOUT_MS = 1_000;

/** Waits for the disk. @returns undefined when no disk appears */
export async function meetDisk(
  product: Product,
  process: Process,
  role: 'sender' | 'receiver',
): Promise<HostileActor | undefined> {
  for (let waited = 0; waited < DISK_TIMEOUT_MS; waited += 1) {
    const medium = process.machine.files.mediumOf(DEVICE);
    if (medium !== undefined) {
      const { codec } = product;
      const superblock = codec.superblock.decodeSuperblock(medium.bytes.subarray(0, 4096), DEVICE, 0, medium.size);
      const forge = new Forge(codec, process, medium, superblock);
      return role === 'sender' ? new HostileSender(forge, process) : new HostileReceiver(forge, process);
    }
    await new Promise<void>((resolve) => process.after(1, resolve));
  }
  return undefined;
}
