/**
 * A folder for the files of a warm-up, in memory where that can be: the same file systems, and so the same calls, as in a transfer.
 *
 *     /dev/shm/stubferry-warm-up-XXXXXX/    0700, locked by its process, gone when the warm-up is over
 *
 * One that a killed process has left is removed by the next warm-up: it has no lock, and is not just being made.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInMemory, tryLock } from '../../blockdev-utils/index.js';

const PREFIX = 'stubferry-warm-up-';

/** Where there is memory to write to: in dom0, in a container, and in a ramdisk. */
const IN_MEMORY = ['/dev/shm', '/run', '/'] as const;

/** Longer than a folder has no lock yet, milliseconds. */
const YOUNG_MS = 10_000;

export interface WarmUpFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** @returns undefined where nothing may be written */
export async function warmUpFolder(): Promise<WarmUpFolder | undefined> {
  for (const parent of IN_MEMORY) {
    const folder = (await isInMemory(parent).catch(() => false)) ? await folderIn(parent) : undefined;
    if (folder !== undefined) return folder;
  }
  return folderIn(tmpdir());
}

async function folderIn(parent: string): Promise<WarmUpFolder | undefined> {
  await sweep(parent);
  const path = await mkdtemp(join(parent, PREFIX)).catch(() => undefined);
  if (path === undefined) return undefined;
  const handle = await openFolder(path);
  if (handle !== undefined) tryLock(handle.fd);
  const remove = async (): Promise<void> => {
    await rm(path, { recursive: true, force: true });
    await handle?.close();
  };
  return { path, remove };
}

function openFolder(path: string): Promise<FileHandle | undefined> {
  return open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(() => undefined);
}

/** Our own only: who may write to the parent could else have us remove what he likes. */
async function sweep(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((each) => each.startsWith(PREFIX))) {
    const path = join(parent, name);
    const handle = await openFolder(path);
    if (handle === undefined) continue;
    const { uid, mtimeMs } = await handle.stat();
    const isLeft = uid === process.getuid?.() && Date.now() - mtimeMs > YOUNG_MS && tryLock(handle.fd);
    if (isLeft) await rm(path, { recursive: true, force: true }).catch(() => undefined);
    await handle.close();
  }
}
