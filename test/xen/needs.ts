/** The requirements of a lab on the host, with their Debian packages. .ci/run installs them. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Need, ROOT } from '../support/blockdev-utils/as-root.js';
import { LIBFAKETIME } from './lab/emulated-clock.js';

/** The Debian package of each program. */
const PACKAGES: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  setpriv: 'util-linux',
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  tar: 'tar',
  xz: 'xz-utils',
  gzip: 'gzip',
  gcc: 'gcc',
  strip: 'binutils',
  mksquashfs: 'squashfs-tools',
  depmod: 'kmod',
  mke2fs: 'e2fsprogs',
  debugfs: 'e2fsprogs',
};

const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];

export const A_LAB: readonly Need[] = [
  ROOT,
  ...Object.entries(PACKAGES).map(([program, name]) => ({
    what: `${program} (apt install ${name})`,
    isThere: isThere(program),
  })),
  { what: `${LIBFAKETIME} (apt install libfaketime)`, isThere: existsSync(LIBFAKETIME) },
];

function isThere(program: string): boolean {
  return FOLDERS.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
