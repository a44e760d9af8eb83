/**
 * The machines that are saved and loaded here: between them most of what a Xen guest's device model is made of.
 *
 * Types have a version, so that a newer QEMU makes the same machine. Not among them: nvme. QEMU cannot migrate it
 * and says so, in the blocked-reasons of `query-migrate`; but `xen-save-devices-state` does not ask, and crashes.
 */

const PC = ['-machine', 'pc-i440fx-7.2'];
const Q35 = ['-machine', 'pc-q35-7.2'];

/** A network card connected to nothing. */
const card = (device: string): string[] => [
  ...['-netdev', 'hubport,id=net0,hubid=0'],
  ...['-device', `${device},netdev=net0`],
];

/** A disk of zeros that needs no image. */
const disk = (device: string, size = 64 << 20): string[] => [
  ...['-blockdev', `driver=null-co,node-name=${device},size=${size},read-zeroes=on`],
  ...['-device', `${device},drive=${device}`],
];

const device = (...names: string[]): string[] => names.flatMap((name) => ['-device', name]);

/** By name; each besides boots from a first IDE or AHCI disk. */
export const MACHINES = {
  'pc, e1000 and VGA': [...PC, '-vga', 'std', ...card('e1000')],
  'pc, cirrus and USB': [...PC, '-vga', 'cirrus', ...device('piix3-usb-uhci', 'usb-tablet')],
  'pc, IDE, floppy and rtl8139': [...PC, ...card('rtl8139'), ...disk('ide-hd'), ...disk('floppy', 1440 << 10)],
  'pc with two CPUs': [...PC, '-smp', '2'],
  'q35, AHCI and virtio': [...Q35, ...card('virtio-net-pci'), ...disk('virtio-blk-pci')],
  'q35, qxl and xhci': [...Q35, '-vga', 'qxl', ...device('qemu-xhci', 'usb-tablet')],
} as const satisfies Record<string, readonly string[]>;
