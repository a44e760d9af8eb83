/**
 * How long the bodies of common devices are: a hint for splits that have to be inferred, and never more than that.
 *
 * From states of QEMU 7.2 (fixtures/, the shortest and the longest of each; test/qevm/usual-bodies.test.ts holds that).
 * A body may grow with a version, with a subsection, and with what a guest has under way, so another length is less
 * plausible, not wrong.
 */
import { baseName } from './section-header.js';

/** By the name of the section without its path: bytes, shortest and longest. */
export const USUAL_BODIES: Readonly<Record<string, readonly [number, number]>> = {
  I440FX: [277, 277],
  ICH9LPC: [18878, 18878],
  PCIBUS: [4, 516],
  PCIHost: [4, 4],
  PIIX3: [292, 292],
  ac97: [616, 616],
  acpi_build: [1, 1],
  apic: [181, 204],
  cirrus_vga: [1870, 1870],
  cpu: [1347, 1882],
  cpu_common: [8, 8],
  dma: [75, 75],
  e1000: [198785, 198785],
  e1000e: [136061, 136061],
  ehci: [376, 376],
  es1370: [356, 356],
  fdc: [593, 593],
  fw_cfg: [30, 74],
  globalstate: [104, 104],
  'hda-audio': [17682, 17682],
  hpet: [151, 151],
  i2c_bus: [1, 1],
  i8254: [108, 108],
  i8259: [16, 16],
  ich9_ahci: [4168, 5192],
  ich9_smb: [325, 325],
  ide: [430, 1454],
  'intel-hda': [612, 612],
  ioapic: [206, 206],
  'isa-ide': [58, 58],
  'kvm-tpr-opt': [144, 144],
  lsiscsi: [8689, 8689],
  mc146818rtc: [245, 245],
  mch: [277, 277],
  parallel_isa: [12, 12],
  'pcie-root-port': [4137, 4137],
  pckbd: [4, 40],
  pcspk: [2, 2],
  piix4_pm: [336, 2432],
  platform: [277, 277],
  port92: [1, 1],
  ps2kbd: [284, 284],
  ps2mouse: [291, 291],
  qxl: [9835, 9835],
  rtl8139: [642, 642],
  sb16: [707, 707],
  'scsi-disk': [110, 110],
  serial: [11, 40],
  slirp: [131, 131],
  timer: [24, 24],
  uhci: [315, 315],
  'usb-kbd': [129, 129],
  'usb-ptr': [298, 298],
  'usb-storage': [58, 58],
  vga: [1407, 1407],
  'virtio-balloon': [45541, 45563],
  'virtio-blk': [45584, 45605],
  'virtio-console': [46562, 46584],
  'virtio-gpu': [45648, 45648],
  'virtio-net': [46143, 46143],
  'virtio-rng': [45526, 45548],
  'virtio-scsi': [45626, 45647],
  vmmouse: [4105, 4105],
  vmxnet3: [7456, 7456],
  xhci: [5343, 5343],
};

/** For a length that is twice or half of what is usual; for four times or a quarter twice that; ... */
const UNUSUAL = 2;
/** For 2 KiB of a device that is not listed; for 4 KiB twice that; ... */
const LARGE = 0.25;
const LARGE_FROM = 1024;
/** However odd the length is. */
const MOST = 20;

/** How implausible a body of `length` bytes is for a section of that name: 0 where it is as usual, at most 20. */
export function bodyPenalty(name: string, length: number): number {
  const base = baseName(name);
  const usual = Object.hasOwn(USUAL_BODIES, base) ? USUAL_BODIES[base] : undefined;
  if (usual === undefined) return Math.min(MOST, LARGE * Math.max(0, Math.log2(length / LARGE_FROM)));
  const [shortest, longest] = usual;
  const ratio = length > longest ? (length + 1) / (longest + 1) : length < shortest ? (shortest + 1) / (length + 1) : 1;
  return Math.min(MOST, UNUSUAL * Math.log2(ratio));
}
