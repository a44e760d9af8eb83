/**
 * A directory that is built once for each key, and only read after that.
 *
 *     PARENT/KEY                 a complete directory
 *     PARENT/KEY.building-PID    an incomplete directory. It is renamed when it is complete. If process PID has ended,
 *                                the next build removes it.
 *
 * Concurrent builds do not disturb each other. The one that ends last discards its result.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** How many complete directories are kept: the tests of another branch may use other keys in turn with this one. */
const KEPT = 3;

/**
 * Builds the directory of `key` if it does not exist, and removes the least recently used ones.
 * @returns the path of the directory
 */
export async function builtOnce(
  parent: string,
  key: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const complete = join(parent, key);
  if (!existsSync(complete)) {
    await mkdir(parent, { recursive: true });
    await removeHalfDone(parent);
    const building = `${complete}.building-${process.pid}`;
    await mkdir(building);
    try {
      await build(building);
      await rename(building, complete).catch((error: unknown) => {
        if (!existsSync(complete)) throw error;
      });
    } finally {
      await rm(building, { recursive: true, force: true });
    }
    await removeOldest(parent);
  }
  await utimes(complete, new Date(), new Date());
  return complete;
}

async function removeHalfDone(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = /\.building-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      await rm(join(parent, name), { recursive: true, force: true });
  }
}

async function removeOldest(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => !name.includes('.'));
  const used = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(parent, name))).mtimeMs })));
  used.sort((one, other) => other.at - one.at);
  for (const { name } of used.slice(KEPT)) await rm(join(parent, name), { recursive: true, force: true });
}
