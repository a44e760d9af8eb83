/** Writes guest configurations for xl (Xen, docs/man/xl.cfg.5). */

export interface Disk {
  readonly target: string;
  readonly vdev: string;
  readonly access?: 'rw' | 'ro';
  readonly devtype?: 'cdrom';
  readonly script?: string;
}

export interface Stubdom {
  readonly kernel: string;
  readonly ramdisk: string;
  readonly mebibytes: number;
  readonly cmdline?: string;
}

/** The configuration of an HVM guest without a display, whose first serial port is a file in dom0. */
export interface HvmConfig {
  readonly name: string;
  readonly mebibytes: number;
  readonly serial: string;
  readonly disks: readonly Disk[];
  /** The stubdom in which QEMU runs. If it is missing, QEMU runs in dom0. */
  readonly stubdom?: Stubdom;
  readonly vga?: 'none' | 'stdvga' | 'cirrus';
  readonly usbTablet?: boolean;
  /** The models of the network cards, and the bridge of each. */
  readonly cards?: readonly { readonly model: 'e1000' | 'rtl8139'; readonly bridge: string }[];
}

type Value = string | number | boolean | readonly string[];

/** Returns the text of an xl configuration file. */
export function hvmConfig(config: HvmConfig): string {
  const { name, mebibytes, serial, disks, stubdom, vga = 'none', usbTablet = false, cards = [] } = config;
  return settings({
    name,
    type: 'hvm',
    memory: mebibytes,
    vcpus: 1,
    boot: 'c',
    serial: `file:${serial}`,
    disk: disks.map(diskSpec),
    vif: cards.map(({ model, bridge }) => `type=ioemu,model=${model},bridge=${bridge}`),
    vga,
    vnc: false,
    sdl: false,
    ...(vga === 'none' ? { nographic: true } : {}),
    usb: usbTablet,
    ...(usbTablet ? { usbdevice: ['tablet'] } : {}),
    on_crash: 'preserve',
    device_model_version: 'qemu-xen',
    ...(stubdom === undefined ? {} : stubdomSettings(stubdom)),
  });
}

/**
 * Returns a disk specification such as `format=raw,vdev=hda,access=rw,target=/path`. The target is last, because it may
 * contain any character.
 */
export function diskSpec({ target, vdev, access = 'rw', devtype, script }: Disk): string {
  const kind = devtype === undefined ? [] : [`devtype=${devtype}`];
  const by = script === undefined ? [] : [`script=${script}`];
  return ['format=raw', `vdev=${vdev}`, `access=${access}`, ...kind, ...by, `target=${target}`].join(',');
}

function stubdomSettings({ kernel, ramdisk, mebibytes, cmdline }: Stubdom): Record<string, Value> {
  return {
    device_model_stubdomain_override: true,
    stubdomain_kernel: kernel,
    stubdomain_ramdisk: ramdisk,
    stubdomain_memory: mebibytes,
    ...(cmdline === undefined ? {} : { stubdomain_cmdline: cmdline }),
  };
}

function settings(values: Readonly<Record<string, Value>>): string {
  const literal = (value: Value): string => (typeof value === 'boolean' ? `${Number(value)}` : JSON.stringify(value));
  return Object.entries(values)
    .map(([key, value]) => `${key} = ${literal(value)}\n`)
    .join('');
}
