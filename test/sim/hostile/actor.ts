/** The hostile agent as the main function of a process in the stubdom: waits for the disk, and then does what it likes. */

import { DEVICE } from '../machine/hotplug.js';
import type { Process } from '../machine/process.js';
import type { Product } from '../world/product.js';
import { Forge } from './forge.js';
import { HostileReceiver } from './receiver.js';
import { HostileSender } from './sender.js';

export type HostileActor = HostileSender | HostileReceiver;

/** Longest wait for a disk, milliseconds. */
const PATIENCE = 1_000;

/** @returns undefined when no disk came */
export async function meetDisk(
  product: Product,
  process: Process,
  role: 'sender' | 'receiver',
): Promise<HostileActor | undefined> {
  for (let waited = 0; waited < PATIENCE; waited += 1) {
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
