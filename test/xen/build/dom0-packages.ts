/** The Debian 12 packages and kernel modules that dom0 consists of. */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Xen, its tools, and the programs that xl and the hotplug scripts call. No other package is on the disk. */
export const DOM0_PACKAGES = words(`
  xen-hypervisor-4.17-amd64 xen-utils-4.17 xen-utils-common xenstore-utils qemu-system-xen
  base-files base-passwd bash bridge-utils bsdutils busybox-static coreutils dash e2fsprogs findutils grep hostname iproute2 kmod
  libc-bin libstdc++6 login mount perl-base procps psmisc python3 sed tar util-linux
`);

/** The package with the kernel of dom0 and of the stubdoms that use the consoles. */
export const KERNEL_PACKAGE = 'linux-image-amd64';

/** Packages that are not unpacked, because they are large and the lab does not use them. */
export const LEFT_OUT = /^(?:iso-codes|perl-modules|libperl5|perl_|usrmerge|adduser|debconf_|dpkg_)/;

/** Kernel modules that are loaded at boot, with their dependencies. */
export const DOM0_MODULES = words(`
  ext4 virtio_blk virtio_pci virtio_console 9pnet_virtio 9p loop
  xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-blkback
`);

/** Kernel modules that are only installed. Tests load them. */
export const MORE_MODULES = words('bridge xen-netback xen-blkfront');

/**
 * Kernel modules that are needed to mount the root disk. ext4 requests crc32c only when it mounts, so that crc32c is
 * not among its dependencies.
 */
export const BOOT_MODULES = words('virtio_pci virtio_blk crc32c_generic ext4');

/** Kernel modules of a stubdom that uses the consoles. stubferry's own image contains its modules. */
export const STUBDOM_MODULES = words('xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-blkfront');
