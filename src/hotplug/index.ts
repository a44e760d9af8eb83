import type { HotplugDriver } from './driver.js';
import { fileDriver } from './file-driver.js';
import { loopDriver } from './loop-driver.js';

export { type Attachment, attachmentSchema, type HotplugDriver } from './driver.js';

/** The ways in which a transfer disk can come to the stubdom, by name. */
export const DRIVERS = { file: fileDriver, loop: loopDriver } as const satisfies Record<string, HotplugDriver>;

export type DriverName = keyof typeof DRIVERS | 'xen' | 'xl';

export const DRIVER_NAMES: readonly DriverName[] = ['file', 'loop', 'xen', 'xl'];

export function driverFor(name: DriverName, _xenstore?: unknown): HotplugDriver {
  if (name === 'xen' || name === 'xl') throw new Error('not merged yet');
  return DRIVERS[name];
}
