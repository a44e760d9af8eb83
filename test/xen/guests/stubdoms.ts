/** The stubdoms of the tests' guests. */
import { IMAGE_FOLDER, OTHER_IMAGE_FOLDER } from '../install/package.js';
import type { Stubdom } from './xl-config.js';

/** What docs/debian-host.md tells. */
export const TOLD_MEBIBYTES = 192;

/** That, or what the environment asks to try. */
const MEBIBYTES = Number(process.env['STUBFERRY_XEN_STUBDOM_MEMORY'] ?? TOLD_MEBIBYTES);
if (!Number.isInteger(MEBIBYTES)) throw new Error('STUBFERRY_XEN_STUBDOM_MEMORY is a number of MiB');

/** The product's image. */
export const STUBDOM: Stubdom = {
  kernel: `${IMAGE_FOLDER}/qemu-stubdom-linux-kernel`,
  ramdisk: `${IMAGE_FOLDER}/qemu-stubdom-linux-rootfs`,
  mebibytes: MEBIBYTES,
  cmdline: 'quiet',
};

/** Another stubferry's image, in the same dom0. */
export const OTHER_STUBDOM: Stubdom = {
  ...STUBDOM,
  kernel: `${OTHER_IMAGE_FOLDER}/qemu-stubdom-linux-kernel`,
  ramdisk: `${OTHER_IMAGE_FOLDER}/qemu-stubdom-linux-rootfs`,
};

/** The one that is compared with: the device state goes over the consoles. */
export const CONSOLE_STUBDOM: Stubdom = {
  kernel: '/usr/local/lib/lab/vmlinux',
  ramdisk: '/usr/local/lib/lab/console-ramdisk',
  mebibytes: TOLD_MEBIBYTES,
  cmdline: 'quiet',
};
