/** The stubdoms of the tests' guests. */
import { IMAGE_FOLDER, OTHER_IMAGE_FOLDER } from '../install/package.js';
import type { Stubdom } from './xl-config.js';

/** The memory of a stubdom as documented in docs/how-to/debian-host.md, in MiB. */
export const DOCUMENTED_MEBIBYTES = 192;

/** The same, unless the environment sets another value. */
const MEBIBYTES = Number(process.env['STUBFERRY_XEN_STUBDOM_MEMORY'] ?? DOCUMENTED_MEBIBYTES);
if (!Number.isInteger(MEBIBYTES)) throw new Error('STUBFERRY_XEN_STUBDOM_MEMORY must be a number of MiB');

/** A stubdom with stubferry's image. */
export const STUBDOM: Stubdom = {
  kernel: `${IMAGE_FOLDER}/qemu-stubdom-linux-kernel`,
  ramdisk: `${IMAGE_FOLDER}/qemu-stubdom-linux-rootfs`,
  mebibytes: MEBIBYTES,
  cmdline: 'quiet',
};

/** A stubdom with the image of another stubferry, in the same dom0. */
export const OTHER_STUBDOM: Stubdom = {
  ...STUBDOM,
  kernel: `${OTHER_IMAGE_FOLDER}/qemu-stubdom-linux-kernel`,
  ramdisk: `${OTHER_IMAGE_FOLDER}/qemu-stubdom-linux-rootfs`,
};

/** A stubdom that moves the device state over the consoles, for comparison. */
export const CONSOLE_STUBDOM: Stubdom = {
  kernel: '/usr/local/lib/lab/vmlinux',
  ramdisk: '/usr/local/lib/lab/console-ramdisk',
  mebibytes: DOCUMENTED_MEBIBYTES,
  cmdline: 'quiet',
};
