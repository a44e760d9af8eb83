/** The descriptors of this process. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** How many are open. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** How many are open on `path`. */
export function openOn(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  }).length;
}

/** Resolves when none is. */
export async function untilClosed(path: string): Promise<void> {
  while (openOn(path) > 0) await delay(5);
}
