/** The stubdoms of the tests' guests. */
import { IMAGE_FOLDER } from '../install/package.js';
import type { Stubdom } from './xl-config.js';

/** The product's image, with the memory that docs/debian-host.md tells. */
export const STUBDOM: Stubdom = {
  kernel: `${IMAGE_FOLDER}/qemu-stubdom-linux-kernel`,
  ramdisk: `${IMAGE_FOLDER}/qemu-stubdom-linux-rootfs`,
  mebibytes: 192,
  cmdline: 'quiet',
};

/** The one that is compared with: the device state goes over the consoles. */
export const CONSOLE_STUBDOM: Stubdom = {
  kernel: '/usr/local/lib/lab/vmlinux',
  ramdisk: '/usr/local/lib/lab/console-ramdisk',
  mebibytes: 192,
  cmdline: 'quiet',
};
