/**
 * How long the bodies of common devices are: a hint for splits that have to be inferred, and never more than that.
 *
 * From states of QEMU 7.2: those in fixtures/ (test/unit/formats/qevm/section-size-hints.test.ts holds that), and those of the same machines
 * with the types pc-i440fx-2.0, 2.6, 2.12, 4.2, 6.2 and pc-q35-2.4, 2.12, 4.2, 6.2. A body may grow with a version, with a
 * subsection, and with what a guest has under way, so another length is less plausible, not wrong.
 */
import { baseName } from './section-header.js';

/** Of the section, its version; of its body, bytes: the shortest and the longest that was seen. */
export type SizeHint = readonly [version: number, shortest: number, longest: number];

/** By the name of the section without its path. */
export const SECTION_SIZE_HINTS: Readonly<Record<string, SizeHint>> = {
  I440FX: [3, 277, 277],
  ICH9LPC: [1, 16803, 18878],
  PCIBUS: [1, 4, 516],
  PCIHost: [1, 4, 4],
  PIIX3: [3, 292, 292],
  ac97: [3, 616, 616],
  acpi_build: [1, 1, 1],
  apic: [3, 181, 204],
  cirrus_vga: [2, 1870, 1870],
  cpu: [12, 1347, 1882],
  cpu_common: [1, 8, 8],
  dma: [1, 75, 75],
  e1000: [2, 67646, 198785],
  e1000e: [1, 136061, 136061],
  ehci: [2, 376, 376],
  es1370: [2, 356, 356],
  fdc: [2, 593, 593],
  fw_cfg: [2, 6, 74],
  globalstate: [1, 104, 104],
  'hda-audio': [2, 1176, 17682],
  hpet: [2, 151, 151],
  i2c_bus: [1, 1, 1],
  i8254: [3, 108, 108],
  i8259: [1, 16, 16],
  i82801b11_bridge: [0, 276, 276],
  ich9_ahci: [1, 4168, 5192],
  ich9_smb: [1, 276, 325],
  ide: [3, 430, 1454],
  'intel-hda': [1, 612, 1811],
  ioapic: [3, 206, 206],
  'ioh-3240-express-root-port': [1, 4120, 4120],
  'iommu-intel': [1, 602, 602],
  'isa-ide': [3, 58, 58],
  'kvm-tpr-opt': [1, 144, 144],
  lsiscsi: [1, 8689, 8689],
  mc146818rtc: [3, 245, 245],
  mch: [1, 277, 277],
  ne2000: [2, 49196, 49196],
  parallel_isa: [1, 12, 12],
  pci_bridge: [0, 436, 436],
  'pcie-pci-bridge': [0, 4276, 4276],
  'pcie-root-port': [1, 4120, 4137],
  pckbd: [3, 4, 40],
  pcspk: [1, 2, 2],
  piix4_pm: [3, 336, 6537],
  platform: [4, 277, 277],
  port92: [1, 1, 1],
  ps2kbd: [3, 284, 284],
  ps2mouse: [2, 291, 291],
  qxl: [21, 9835, 9835],
  rtl8139: [5, 642, 642],
  sb16: [1, 707, 707],
  'scsi-disk': [1, 110, 110],
  serial: [3, 11, 40],
  slirp: [4, 131, 131],
  timer: [2, 24, 24],
  uhci: [3, 315, 315],
  'usb-kbd': [1, 129, 129],
  'usb-ptr': [1, 298, 298],
  'usb-storage': [1, 58, 58],
  vga: [2, 1407, 1407],
  'virtio-balloon': [1, 374, 45563],
  'virtio-blk': [2, 404, 45605],
  'virtio-console': [3, 1399, 46584],
  'virtio-gpu': [1, 45648, 45648],
  'virtio-net': [11, 968, 46143],
  'virtio-rng': [1, 330, 45548],
  'virtio-scsi': [1, 467, 45647],
  vmmouse: [0, 4105, 4105],
  vmxnet3: [1, 3616, 7456],
  xhci: [1, 5343, 5343],
};

/** Those whose bodies vary by how they are configured, so that a shorter one than any that was seen may be whole. */
const BY_CONFIGURATION = /^(?:virtio-|vmxnet3|hda-audio|intel-hda|PCIBUS|fw_cfg|pcie-root-port|slirp|scsi-disk)/;
/** Those that hold what a guest has under way: requests, packets, pictures. Their bodies may be of any length. */
const BY_GUEST =
  /^(?:virtio-|vmxnet3|hda-audio|intel-hda|slirp|scsi-disk|lsiscsi|ide|isa-ide|ich9_ahci|usb-|ehci|xhci|qxl)/;

/** Each KiB more than is usual doubles what it costs; other bodies have no usual length, so it says less of them. */
const LONG = { usual: 2, other: 0.5, from: 1024, most: 20 };
/** For half of the shortest one, or less. Not as much as a header is worth: no header is left out for it. */
const SHORT = 0.9;
/** For a length that was seen before: the most that a length scores. */
export const HINTED_SCORE = 3;

interface Named {
  /** With its path or without. */
  readonly name: string;
  readonly version: number;
}

/** What is known of the length of a body, in bytes. */
export interface HintedLength {
  readonly shortest: number;
  readonly longest: number;
  /** It is of a device that is listed, in that version. */
  readonly isKnown: boolean;
  /** A longer one is hardly to be expected; a shorter one. */
  readonly boundedAbove: boolean;
  readonly boundedBelow: boolean;
}

const UNKNOWN = { shortest: 0, longest: LONG.from, isKnown: false, boundedAbove: false, boundedBelow: false };

export function hintedLength({ name, version }: Named): HintedLength {
  const base = baseName(name);
  const [ofVersion, shortest, longest] = (Object.hasOwn(SECTION_SIZE_HINTS, base)
    ? SECTION_SIZE_HINTS[base]
    : undefined) ?? [-1, 0, 0];
  if (version !== ofVersion) return UNKNOWN;
  const boundedBelow = !BY_CONFIGURATION.test(base);
  return { shortest, longest, isKnown: true, boundedAbove: !BY_GUEST.test(base), boundedBelow };
}

/** How plausible a body of `length` bytes is: 3 where it is just as usual, down to -20. */
export function lengthScore({ shortest, longest, boundedAbove, boundedBelow }: HintedLength, length: number): number {
  if (length > longest) {
    const doublings = Math.log2(1 + (length - longest) / LONG.from);
    return -Math.min(LONG.most, doublings * (boundedAbove ? LONG.usual : LONG.other));
  }
  if (length >= shortest) return boundedAbove ? HINTED_SCORE : 0;
  return boundedBelow ? -SHORT * Math.min(1, Math.log2((shortest + 1) / (length + 1))) : 0;
}
