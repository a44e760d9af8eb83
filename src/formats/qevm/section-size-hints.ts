/**
 * The lengths of the bodies of common devices. An inferred split uses them as hints, and only as hints.
 *
 * The lengths are from states of QEMU 7.2: those in fixtures/ (test/unit/formats/qevm/section-size-hints.test.ts checks
 * this), and states of the same machines with the types pc-i440fx-2.0, 2.6, 2.12, 4.2, 6.2 and pc-q35-2.4, 2.12, 4.2,
 * 6.2. A body may become longer with a newer version, with a subsection, or with the requests that a guest has in
 * flight. So another length is less plausible, but not wrong.
 */
import { baseName } from './section-header.js';

/** The version of a section, and the lengths of the shortest and of the longest body that was seen, in bytes. */
export type SizeHint = readonly [version: number, shortest: number, longest: number];

/** The size hints, by the name of the section without the path of the device. */
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

/** Devices whose body length depends on their configuration: a body shorter than any that was seen may be complete. */
const VARIES_WITH_CONFIGURATION =
  /^(?:virtio-|vmxnet3|hda-audio|intel-hda|PCIBUS|fw_cfg|pcie-root-port|slirp|scsi-disk)/;
/**
 * Devices whose bodies contain a guest's data in flight: requests, packets, images. Their bodies may have any length.
 */
const VARIES_WITH_GUEST =
  /^(?:virtio-|vmxnet3|hda-audio|intel-hda|slirp|scsi-disk|lsiscsi|ide|isa-ide|ich9_ahci|usb-|ehci|xhci|qxl)/;

/**
 * The penalty of a body that is too long. It grows with the logarithm of the excess in units of `unit` bytes: by
 * `reliable` per doubling for a device whose longest body is known, by `other` for any other device, and to at most
 * `max`.
 */
const LONG_PENALTY = { reliable: 2, other: 0.5, unit: 1024, max: 20 };
/**
 * The penalty of a body that has half of the shortest length or less. It is smaller than the score of a header, so that
 * no header is skipped for it.
 */
const SHORT_PENALTY = 0.9;
/** The score of a length that was seen before. No length has a higher score. */
export const MAX_LENGTH_SCORE = 3;

interface NamedSection {
  /** The name, with or without the path of the device. */
  readonly name: string;
  readonly version: number;
}

/** The expected length of a body, in bytes. */
export interface LengthHint {
  readonly shortest: number;
  readonly longest: number;
  /** Whether there is a size hint for this version of the device. */
  readonly hasHint: boolean;
  /** Whether a body longer than `longest` is unlikely. */
  readonly isMaximumReliable: boolean;
  /** Whether a body shorter than `shortest` is unlikely. */
  readonly isMinimumReliable: boolean;
}

const NO_HINT: LengthHint = {
  shortest: 0,
  longest: LONG_PENALTY.unit,
  hasHint: false,
  isMaximumReliable: false,
  isMinimumReliable: false,
};

/** Returns the expected length of the body of a section with this name and version. */
export function lengthHintOf({ name, version }: NamedSection): LengthHint {
  const base = baseName(name);
  const [hintVersion, shortest, longest] = (Object.hasOwn(SECTION_SIZE_HINTS, base)
    ? SECTION_SIZE_HINTS[base]
    : undefined) ?? [-1, 0, 0];
  if (version !== hintVersion) return NO_HINT;
  const isMaximumReliable = !VARIES_WITH_GUEST.test(base);
  const isMinimumReliable = !VARIES_WITH_CONFIGURATION.test(base);
  return { shortest, longest, hasHint: true, isMaximumReliable, isMinimumReliable };
}

/** Returns how plausible a body of `length` bytes is: from 3 for a length that was seen before, down to -20. */
export function lengthScore(hint: LengthHint, length: number): number {
  const { shortest, longest, isMaximumReliable, isMinimumReliable } = hint;
  if (length > longest) {
    const doublings = Math.log2(1 + (length - longest) / LONG_PENALTY.unit);
    return -Math.min(LONG_PENALTY.max, doublings * (isMaximumReliable ? LONG_PENALTY.reliable : LONG_PENALTY.other));
  }
  if (length >= shortest) return isMaximumReliable ? MAX_LENGTH_SCORE : 0;
  return isMinimumReliable ? -SHORT_PENALTY * Math.min(1, Math.log2((shortest + 1) / (length + 1))) : 0;
}
