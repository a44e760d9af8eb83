/**
 * A guest's RAM as a file in memory.
 *
 * Xen moves RAM by itself; the device model's state says nothing of it. So a second QEMU is given the file of the
 * first: it finds the guest's memory in place, as it would on Xen, and only the device state has to be brought to it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const PREFIX = '/dev/shm/stubferry-qemu-';

const folders: string[] = [];

/** A place for the RAM of a guest. */
export function guestMemory(): string {
  const folder = mkdtempSync(PREFIX);
  folders.push(folder);
  return join(folder, 'ram');
}

/** Every guest's RAM of this test is gone; to be called when no QEMU runs any more. */
export function forgetGuestMemory(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** QEMU's arguments; `-machine` accumulates, so that its type stays the caller's to say. */
export function memoryArguments(path: string, mebibytes: number): string[] {
  return [
    ...['-m', `${mebibytes}`],
    ...['-object', `memory-backend-file,id=ram,size=${mebibytes}M,mem-path=${path},share=on`],
    ...['-machine', 'memory-backend=ram'],
  ];
}
