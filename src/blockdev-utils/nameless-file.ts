/**
 * A file in memory that has no name, so that no crash leaves it behind (open(2), O_TMPFILE).
 *
 * Whoever has it open reaches it as /proc/self/fd/N, as often as he likes: as a disk, say, that has two ends.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { isInMemory } from './backing.js';

/** Node does not name it; the kernel's own bit of it is the same on all processors that Node runs on. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Where there is memory to write to: in dom0, in a container, and in a ramdisk. */
const FOLDERS = ['/dev/shm', '/run', '/'] as const;

export interface NamelessFile {
  /** What is written to it is appended. */
  readonly handle: FileHandle;
  /** Opens it once more. */
  readonly path: string;
}

/**
 * @param size bytes
 * @returns undefined where there is no file system in memory that one may write to
 */
export async function namelessFile(size: number): Promise<NamelessFile | undefined> {
  for (const folder of FOLDERS) {
    const handle = await inFolder(folder);
    if (handle === undefined) continue;
    try {
      await handle.truncate(size);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return { handle, path: `/proc/self/fd/${handle.fd}` };
  }
  return undefined;
}

async function inFolder(folder: string): Promise<FileHandle | undefined> {
  try {
    return (await isInMemory(folder))
      ? await open(folder, O_TMPFILE | constants.O_RDWR | constants.O_APPEND, 0o600)
      : undefined;
  } catch {
    // Not there, not ours, or without such files: the next one.
    return undefined;
  }
}
