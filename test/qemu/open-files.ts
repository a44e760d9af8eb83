/** The files of another process. */
import { readdirSync, readlinkSync } from 'node:fs';

/** What the descriptors of a process lead to. */
export function linksOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}
