/** The requirements of these suites, for `describeWith`, with the way to satisfy them. */
import { delimiter, join } from 'node:path';
import type { Need } from '../blockdev-utils/as-root.js';
import { QEMU } from './command-line.js';
import { BUSYBOX, isReadable, KERNEL } from './linux-guest.js';

const programs = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, QEMU));

export const A_QEMU: Need = { what: `${QEMU} (apt install qemu-system-x86)`, isThere: programs.some(isReadable) };

const KERNEL_NEED: Need = {
  what: 'a readable Linux kernel: in /boot, or named by STUBFERRY_TEST_KERNEL',
  isThere: KERNEL !== undefined && isReadable(KERNEL),
};

const BUSYBOX_NEED: Need = { what: `${BUSYBOX} (apt install busybox-static)`, isThere: isReadable(BUSYBOX) };

/** The requirements of a Linux guest. */
export const A_LINUX_GUEST: readonly Need[] = [A_QEMU, KERNEL_NEED, BUSYBOX_NEED];
