/**
 * A folder that is built once for its key, and then only read.
 *
 *     PARENT/KEY                 complete
 *     PARENT/KEY.building-PID    half done: renamed when it is complete; removed by the next build when that process is gone
 *
 * Two builds at once do not meet; the one that ends later throws its work away.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** Of older keys: another branch's tests may use them in turn with this one's. */
const KEPT = 3;

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
