/**
 * A guest with an operating system: Debian's kernel, and an initramfs in which busybox counts.
 *
 * It prints the same lines as the boot sector, so the same code can read its count. But it has 256 MiB of RAM, timers,
 * interrupts and a scheduler, which a complete migration must transfer.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MachineOptions } from './command-line.js';
import { cpioArchive } from './cpio.js';

export const BUSYBOX = '/bin/busybox';

/** The kernel from the environment, or the newest installed and readable one. */
export const KERNEL = process.env['STUBFERRY_TEST_KERNEL'] || newestKernel('/boot');

/** Counts five times per second. `printf` and arithmetic are shell builtins; the shell runs busybox to sleep. */
const INIT = `#!/busybox sh
n=0
while :; do
  n=$((n + 1))
  printf 'n %08x\\n' $n
  /busybox usleep 200000
done
`;

/** The options with which `startMachine` boots this guest. Writes its initramfs to the directory. */
export function linuxGuest(folder: string): Pick<MachineOptions, 'boot' | 'mebibytes' | 'waitMs'> {
  const initramfs = join(folder, 'initramfs');
  const files = [
    { name: 'busybox', bytes: readFileSync(BUSYBOX) },
    { name: 'init', bytes: Buffer.from(INIT) },
  ];
  writeFileSync(initramfs, cpioArchive(files));
  return {
    mebibytes: 256,
    boot: ['-kernel', KERNEL ?? '', '-initrd', initramfs, '-append', 'console=ttyS0 loglevel=0'],
    waitMs: 60_000,
  };
}

function newestKernel(folder: string): string | undefined {
  const byVersion = new Intl.Collator('en', { numeric: true });
  const kernels = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('vmlinuz-')) : [];
  const newestFirst = kernels.sort(byVersion.compare).reverse();
  return newestFirst.map((name) => join(folder, name)).find(isReadable);
}

export function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
