/** What dom0 is made of: Debian 12's own packages. */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Xen, its tools, and what xl and the hotplug scripts call. Without an installed system, nothing is there of itself. */
export const DOM0_PACKAGES = words(`
  xen-hypervisor-4.17-amd64 xen-utils-4.17 xen-utils-common xenstore-utils qemu-system-xen
  base-files base-passwd bash bridge-utils bsdutils busybox-static coreutils dash e2fsprogs findutils grep hostname iproute2 kmod
  libc-bin libstdc++6 login mount perl-base procps psmisc python3 sed tar util-linux
`);

/** The kernel of dom0, and of the stubdoms that use the consoles. */
export const KERNEL_PACKAGE = 'linux-image-amd64';

/** Their files are not unpacked: large, and called by nothing here. */
export const LEFT_OUT = /^(?:iso-codes|perl-modules|libperl5|perl_|usrmerge|adduser|debconf_|dpkg_)/;

/** Kernel modules that are loaded at boot, each with what it depends on. */
export const DOM0_MODULES = words(`
  ext4 virtio_blk virtio_pci virtio_console 9pnet_virtio 9p loop
  xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-blkback
`);

/** Those that are there, for tests that load them. */
export const MORE_MODULES = words('bridge xen-netback xen-blkfront');

/** What the kernel needs to reach the root disk; ext4 asks for crc32c when it mounts, so it is not among what it depends on. */
export const BOOT_MODULES = words('virtio_pci virtio_blk crc32c_generic ext4');

/** Of a stubdom that uses the consoles; one of the project's own brings its modules itself. */
export const STUBDOM_MODULES = words('xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-blkfront');
