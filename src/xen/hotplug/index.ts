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

interface DriverRow {
  /** What it does, for the help of --attach. */
  readonly summary: string;
  /** For a stubdom agent that is a process of this machine. */
  readonly local?: HotplugDriver;
  /** For a stubdom in another domain, through xenstore. */
  readonly remote?: (xenstore: XenstoreClient) => HotplugDriver;
}

/** The hotplug drivers by name, one row each: the ways to attach a transfer disk to the stubdom. */
const DRIVERS = {
  file: { summary: 'both agents open the file', local: fileDriver },
  loop: { summary: 'the stubdom agent opens a loop device over it (needs root)', local: loopDriver },
  xen: { summary: 'a vbd through xenstore (default of the service)', remote: (xenstore) => xenDriver(xenstore) },
  xl: { summary: 'with xl block-attach', remote: (xenstore) => xlDriver(xenstore) },
} satisfies Readonly<Record<string, DriverRow>>;

/** Name of a hotplug driver: a value of --attach. */
export type DriverName = keyof typeof DRIVERS;

/** All driver names. */
export const DRIVER_NAMES = Object.keys(DRIVERS) as readonly DriverName[];

/** The names of the drivers for a stubdom agent that is a process of this machine. */
export const LOCAL_DRIVER_NAMES = DRIVER_NAMES.filter((name) => rowOf(name).local !== undefined);

/** The text about some drivers in the help of --attach: `file: both agents open the file; loop: ...`. */
export function driverHelp(names: readonly DriverName[]): string {
  return names.map((name) => `${name}: ${rowOf(name).summary}`).join('; ');
}

/**
 * Returns the driver with that name.
 * @param xenstore for drivers that attach to another domain
 * @throws TypeError when such a driver gets no xenstore
 */
export function driverFor(name: DriverName, xenstore?: XenstoreClient): HotplugDriver {
  const { local, remote } = rowOf(name);
  const driver = local ?? (xenstore === undefined ? undefined : remote?.(xenstore));
  if (driver === undefined) throw new TypeError(`--attach ${name} needs xenstore`);
  return driver;
}

function rowOf(name: DriverName): DriverRow {
  return DRIVERS[name];
}
