/**
 * The directory for the files of a warm-up. It is in memory if possible, so that the warm-up uses the same file systems
 * and system calls as a transfer.
 *
 *     /dev/shm/stubferry-warm-up-XXXXXX/    mode 0700, locked by its process, removed after the warm-up
 *
 * The next warm-up removes a directory that a killed process has left behind. Such a directory is not locked, and it is
 * older than a directory that is just being made.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInMemory, tryLock } from '../../blockdev-utils/index.js';

const PREFIX = 'stubferry-warm-up-';

/** Directories that can be in memory: in dom0, in a container, and in a root file system that is a ramdisk. */
const IN_MEMORY = ['/dev/shm', '/run', '/'] as const;

/** Age up to which an unlocked directory may still be in the making, in milliseconds. */
const YOUNG_MS = 10_000;

/** A directory that is locked by this process. */
export interface WarmUpDirectory {
  readonly path: string;
  /** Removes the directory with its files. */
  remove(): Promise<void>;
}

/** Makes the directory. @returns undefined where this process may not write */
export async function makeWarmUpDirectory(): Promise<WarmUpDirectory | undefined> {
  for (const parent of IN_MEMORY) {
    const directory = (await isInMemory(parent).catch(() => false)) ? await makeIn(parent) : undefined;
    if (directory !== undefined) return directory;
  }
  return makeIn(tmpdir());
}

async function makeIn(parent: string): Promise<WarmUpDirectory | undefined> {
  await removeOrphans(parent);
  const path = await mkdtemp(join(parent, PREFIX)).catch(() => undefined);
  if (path === undefined) return undefined;
  const handle = await openDirectory(path);
  if (handle !== undefined) tryLock(handle.fd);
  const remove = async (): Promise<void> => {
    await rm(path, { recursive: true, force: true });
    await handle?.close();
  };
  return { path, remove };
}

function openDirectory(path: string): Promise<FileHandle | undefined> {
  return open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(() => undefined);
}

/**
 * Removes the directories that killed processes of this user have left behind. Directories of other users are not
 * removed: otherwise anybody who can write to the parent could choose what this process removes.
 */
async function removeOrphans(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((each) => each.startsWith(PREFIX))) {
    const path = join(parent, name);
    const handle = await openDirectory(path);
    if (handle === undefined) continue;
    const { uid, mtimeMs } = await handle.stat();
    const isOrphan = uid === process.getuid?.() && Date.now() - mtimeMs > YOUNG_MS && tryLock(handle.fd);
    if (isOrphan) await rm(path, { recursive: true, force: true }).catch(() => undefined);
    await handle.close();
  }
}
