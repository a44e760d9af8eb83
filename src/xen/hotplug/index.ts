import type { XenstoreClient } from '../xenstore/index.js';
import type { HotplugDriver } from './driver.js';
import { fileDriver } from './file-driver.js';
import { loopDriver } from './loop-driver.js';
import { xenDriver } from './xen-driver.js';
import { xlDriver } from './xl-driver.js';

export {
  type Attachment,
  type AttachOptions,
  attachmentSchema,
  type Detachment,
  type HotplugDriver,
} from './driver.js';

/** The ways in which a transfer disk can come to the stubdom, by name. */
export const DRIVERS = {
  file: () => fileDriver,
  loop: () => loopDriver,
  xen: (xenstore: XenstoreClient) => xenDriver(xenstore),
  xl: (xenstore: XenstoreClient) => xlDriver(xenstore),
} as const;

export type DriverName = keyof typeof DRIVERS;

export const DRIVER_NAMES = Object.keys(DRIVERS) as readonly DriverName[];

/** @param xenstore for those that go into another domain; TypeError without it */
export function driverFor(name: DriverName, xenstore?: XenstoreClient): HotplugDriver {
  if (name === 'file' || name === 'loop') return DRIVERS[name]();
  if (xenstore === undefined) throw new TypeError(`--attach ${name} needs xenstore`);
  return DRIVERS[name](xenstore);
}
