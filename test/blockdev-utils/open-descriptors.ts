/** The descriptors of this process. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** How many are open on `path`. */
export function openOn(path: string): number {
  return openFiles().filter((each) => each === path).length;
}

/**
 * The files without a name that are open, each as often as it is. Not all that this process has open: what an earlier suite left to its
 * event loop opens and closes descriptors when it likes.
 */
export function openNameless(): string[] {
  return openFiles()
    .filter((each) => /\/#\d+ \(deleted\)$/.test(each))
    .sort();
}

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

/** Resolves when none is. */
export async function untilClosed(path: string): Promise<void> {
  while (openOn(path) > 0) await delay(5);
}
