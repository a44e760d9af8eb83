/**
 * The RAM of a guest as a file in memory.
 *
 * Xen transfers RAM itself, and the device model's state does not contain it. So a second QEMU uses the RAM file of the
 * first: as on Xen, it finds the guest's RAM in place and needs only the device state.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const PREFIX = '/dev/shm/stubferry-qemu-';

const directories: string[] = [];

/** Returns a path for the RAM of a guest. */
export function guestMemory(): string {
  const directory = mkdtempSync(PREFIX);
  directories.push(directory);
  return join(directory, 'ram');
}

/** Removes the RAM of all guests of this test. Call this after all QEMUs have exited. */
export function removeGuestMemory(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}

/** QEMU's arguments. Several `-machine` options accumulate, so the caller can still set the machine type. */
export function memoryArguments(path: string, mebibytes: number): string[] {
  return [
    ...['-m', `${mebibytes}`],
    ...['-object', `memory-backend-file,id=ram,size=${mebibytes}M,mem-path=${path},share=on`],
    ...['-machine', 'memory-backend=ram'],
  ];
}
