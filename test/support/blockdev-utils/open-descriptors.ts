/** The open descriptors of this process. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The number of descriptors that are open on `path`. */
export function openOn(path: string): number {
  return openFiles().filter((each) => each === path).length;
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

/** Resolves when no descriptor is open on `path`. */
export async function untilClosed(path: string): Promise<void> {
  while (openOn(path) > 0) await delay(5);
}
