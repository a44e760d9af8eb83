/** What is in an image, in one table: which files, of which packages. Libraries are not here: they follow from the programs. */

/** A file, and the package that has it. */
export interface Wanted {
  readonly path: string;
  readonly package: string;
}

export const QEMU = '/usr/libexec/xen-qemu-system-i386';

/** Xen's programs of one release are in `/usr/lib/xen-4.17`. */
export const XEN_FOLDER = { parent: '/usr/lib', name: /^xen-\d+\.\d+$/, usual: 'xen-4.17' } as const;
export const PROXY = 'bin/vchan-socket-proxy';

export const PROGRAMS: readonly Wanted[] = [
  { path: '/usr/bin/busybox', package: 'busybox-static' },
  { path: '/usr/bin/xenstore', package: 'xenstore-utils' },
  { path: QEMU, package: 'qemu-system-xen' },
];

/** What QEMU reads: BIOSes of graphics cards, boot ROMs of network cards. The guest's own BIOS is loaded by hvmloader, in dom0. */
export const FIRMWARE: readonly Wanted[] = [
  ...['stdvga', 'cirrus', 'qxl'].map((card) => ({
    path: `/usr/share/seabios/vgabios-${card}.bin`,
    package: 'seabios',
  })),
  ...['e1000', 'e1000e', 'eepro100', 'ne2k_pci', 'pcnet', 'rtl8139', 'virtio', 'vmxnet3'].map((card) => ({
    path: `/usr/lib/ipxe/qemu/efi-${card}.rom`,
    package: 'ipxe-qemu',
  })),
  { path: '/usr/share/qemu/kvmvapic.bin', package: 'qemu-system-data' },
];

/** Symbolic links to busybox and to xenstore: what the scripts in src/image/stubdom/ use. */
export const APPLETS: Readonly<Record<string, readonly string[]>> = {
  '/usr/bin/busybox': (
    'basename brctl cat cut df dmesg free grep insmod ip kill ls mkdir mkfifo mount printf ps reboot rm sed sh sleep ' +
    'tail tee tr tunctl'
  ).split(' '),
  '/usr/bin/xenstore': ['xenstore-list', 'xenstore-ls', 'xenstore-read', 'xenstore-watch', 'xenstore-write'],
};

/** A kernel module, and the options that it is loaded with. */
export interface WantedModule {
  readonly name: string;
  readonly options: string;
}

/** What the ramdisk needs to mount the system. */
export const FIRST_MODULES: readonly WantedModule[] = [
  { name: 'loop', options: 'max_loop=1' },
  { name: 'squashfs', options: '' },
];

export const MODULES: readonly WantedModule[] = [
  { name: 'xen_evtchn', options: '' },
  { name: 'xen_gntdev', options: '' },
  { name: 'xen_gntalloc', options: '' },
  // Since the fix of XSA-482, Linux lets a domain operate on its target only, and QEMU's first question names no domain at all.
  { name: 'xen_privcmd', options: 'unrestricted=1' },
  { name: 'xenfs', options: '' },
  { name: 'xen_blkfront', options: '' },
];

/** Loaded only for a guest with a network. */
export const NETWORK_MODULES: readonly WantedModule[] = [
  { name: 'xen_netfront', options: '' },
  { name: 'tun', options: '' },
  { name: 'bridge', options: '' },
];

/** For `--from apt`: everything above, the C++ library of Node, a kernel, and the Xen of the release at hand. */
export const APT_PACKAGES: readonly string[] = [
  ...new Set([...PROGRAMS, ...FIRMWARE].map((wanted) => wanted.package)),
  'linux-image-cloud-amd64',
  'libstdc++6',
];
export const APT_PATTERNS: readonly RegExp[] = [/^xen-utils-\d+\.\d+$/];
