/**
 * Virtual devices by name and number (docs/man/xen-vbd-interface.7 of Xen).
 *
 *     xvda .. xvdp    202 << 8 | disk << 4     16 disks, with 15 partitions each
 *     xvdq .. xvdz    1 << 28  | disk << 8     the extended numbers; disk is 16 .. 25
 *
 * Transfer disks use the last ones, because hda, sda or xvda of a guest's configuration becomes one of the first in the
 * stubdom.
 */

const FIRST = 16;
const LAST = 25;
const EXTENDED = 1 << 28;

/** The numbers that a transfer disk may have, in order of preference. */
export const VIRTUAL_DEVICES: readonly number[] = Array.from(
  { length: LAST - FIRST + 1 },
  (_, index) => EXTENDED | ((LAST - index) << 8),
);

/** The name of one of {@link VIRTUAL_DEVICES}, which Linux uses too. */
export function virtualDeviceName(number: number): string {
  const disk = (number & ~EXTENDED) >> 8;
  return `xvd${String.fromCharCode('a'.charCodeAt(0) + disk)}`;
}
