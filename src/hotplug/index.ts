import type { HotplugDriver } from './driver.js';
import { fileDriver } from './file-driver.js';
import { loopDriver } from './loop-driver.js';

export type { Attachment, HotplugDriver } from './driver.js';

/** The ways in which a transfer disk can come to the stubdom, by name. */
export const DRIVERS = { file: fileDriver, loop: loopDriver } as const satisfies Record<string, HotplugDriver>;

export type DriverName = keyof typeof DRIVERS;

export const DRIVER_NAMES = Object.keys(DRIVERS) as readonly DriverName[];
