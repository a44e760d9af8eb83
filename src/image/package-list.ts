/**
 * The package list: which files an image contains, and from which packages. Shared libraries are not listed here,
 * because shared-libraries.ts finds them from the programs.
 */

/** A file, and the package that contains it. */
export interface Wanted {
  /** The absolute path in the package and in the image. */
  readonly path: string;
  readonly package: string;
}

/** The device model. */
const QEMU = '/usr/libexec/xen-qemu-system-i386';

/** The directory of Xen's programs, which has the Xen release in its name: `/usr/lib/xen-4.17`. */
export const XEN_DIRECTORY = { parent: '/usr/lib', name: /^xen-\d+\.\d+$/, usual: 'xen-4.17' } as const;
/** The program that carries QMP over vchan, within the directory of Xen's programs. */
export const PROXY = 'bin/vchan-socket-proxy';

/** The programs of the image. */
export const PROGRAMS: readonly Wanted[] = [
  { path: '/usr/bin/busybox', package: 'busybox-static' },
  { path: '/usr/bin/xenstore', package: 'xenstore-utils' },
  { path: QEMU, package: 'qemu-system-xen' },
];

/**
 * The firmware files that QEMU reads: BIOSes of graphics cards and boot ROMs of network cards. hvmloader, which comes
 * from dom0, loads the guest's own BIOS.
 */
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

/**
 * Symbolic links to busybox and to xenstore, by their targets: the commands that the scripts in src/image/stubdom/ use.
 */
export const APPLETS: Readonly<Record<string, readonly string[]>> = {
  '/usr/bin/busybox': (
    'basename brctl cat cut df dmesg free grep insmod ip kill ls mkdir mkfifo mount printf ps reboot rm sed sh sleep ' +
    'tail tee tr tunctl'
  ).split(' '),
  '/usr/bin/xenstore': ['xenstore-list', 'xenstore-ls', 'xenstore-read', 'xenstore-watch', 'xenstore-write'],
};

/** A kernel module to load. */
export interface WantedModule {
  readonly name: string;
  /** The module's options for insmod; empty when it has none. */
  readonly options: string;
}

/** The modules that the initramfs needs to mount the root file system. */
export const FIRST_MODULES: readonly WantedModule[] = [
  { name: 'loop', options: 'max_loop=1' },
  { name: 'squashfs', options: '' },
];

/** The modules that the init loads for every guest. */
export const MODULES: readonly WantedModule[] = [
  { name: 'xen_evtchn', options: '' },
  { name: 'xen_gntdev', options: '' },
  { name: 'xen_gntalloc', options: '' },
  // Since the fix of XSA-482, Linux lets a domain operate on its target only, but QEMU's first hypercall names no
  // domain.
  { name: 'xen_privcmd', options: 'unrestricted=1' },
  { name: 'xenfs', options: '' },
  { name: 'xen_blkfront', options: '' },
];

/** The modules that the init loads only for a guest with a network. */
export const NETWORK_MODULES: readonly WantedModule[] = [
  { name: 'xen_netfront', options: '' },
  { name: 'tun', options: '' },
  { name: 'bridge', options: '' },
];

/** Packages for `--from apt`: everything above, the C++ library that Node needs, and a kernel. */
export const APT_PACKAGES: readonly string[] = [
  ...new Set([...PROGRAMS, ...FIRMWARE].map((wanted) => wanted.package)),
  'linux-image-cloud-amd64',
  'libstdc++6',
];
/** Packages for `--from apt` with a version in their names: the Xen programs of the newest release that apt has. */
export const APT_PATTERNS: readonly RegExp[] = [/^xen-utils-\d+\.\d+$/];
