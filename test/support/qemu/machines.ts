/**
 * The machines that the tests save and load. Together they contain most devices of a Xen guest's device model.
 *
 * The machine types have a version, so that a newer QEMU builds the same machine. nvme is not included: QEMU cannot
 * migrate it and reports this in the blocked-reasons of `query-migrate`; but `xen-save-devices-state` does not check
 * them, and crashes.
 */

const PC = ['-machine', 'pc-i440fx-7.2'];
const Q35 = ['-machine', 'pc-q35-7.2'];

/** A network card without a connection. */
const card = (device: string): string[] => [
  ...['-netdev', 'hubport,id=net0,hubid=0'],
  ...['-device', `${device},netdev=net0`],
];

/** A disk of zeros without an image file. */
const disk = (device: string, size = 64 << 20): string[] => [
  ...['-blockdev', `driver=null-co,node-name=${device},size=${size},read-zeroes=on`],
  ...['-device', `${device},drive=${device}`],
];

const device = (...names: string[]): string[] => names.flatMap((name) => ['-device', name]);

/** The machines by name. Each one also has a first IDE or AHCI disk, from which it boots. */
export const MACHINES = {
  'pc, e1000 and VGA': [...PC, '-vga', 'std', ...card('e1000')],
  'pc, cirrus and USB': [...PC, '-vga', 'cirrus', ...device('piix3-usb-uhci', 'usb-tablet')],
  'pc, IDE, floppy and rtl8139': [...PC, ...card('rtl8139'), ...disk('ide-hd'), ...disk('floppy', 1440 << 10)],
  'pc with two CPUs': [...PC, '-smp', '2'],
  'q35, AHCI and virtio': [...Q35, ...card('virtio-net-pci'), ...disk('virtio-blk-pci')],
  'q35, qxl and xhci': [...Q35, '-vga', 'qxl', ...device('qemu-xhci', 'usb-tablet')],
} as const satisfies Record<string, readonly string[]>;
