/**
 * Writes a directory as an ext4 file system. The same files give the same bytes.
 *
 * mke2fs copies files in alphabetical order, and accepts the time, the UUID and the hash seed as options. It also
 * copies the ctime of each inode, which cannot be set in the directory; debugfs sets it in the image.
 */
import { truncate, writeFile } from 'node:fs/promises';
import { bash, run } from './run.js';

/** The time of all files: 2023-06-10, the release date of Debian 12. */
export const EPOCH_SECONDS = 1_686_355_200;

const UUID = '5ec0be11-57ab-4fe2-9dcb-0d0d0d0d0d0d';

export async function ext4Image(folder: string, image: string, bytes: number): Promise<void> {
  const at = `@${EPOCH_SECONDS}`;
  const env = { E2FSPROGS_FAKE_TIME: `${EPOCH_SECONDS}` };
  await run('find', [folder, '-newermt', at, '-exec', 'touch', '-h', '-d', at, '{}', '+']);
  await writeFile(image, '', { flag: 'wx' });
  await truncate(image, bytes);
  const extended = `hash_seed=${UUID},root_owner=0:0,lazy_itable_init=1`;
  // A journal is not needed: a lab that was killed is never restarted from its disk.
  await run('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-U', UUID, '-E', extended, '-d', folder, image], {
    env,
  });
  const names = `${await bash('cd "$1"; find . -mindepth 1 -printf "%P\\n" | LC_ALL=C sort', { args: [folder] })}`;
  const paths = [
    '/',
    '<11>',
    ...names
      .trimEnd()
      .split('\n')
      .map((name) => `"/${name}"`),
  ];
  const commands = paths.flatMap((path) => ['atime', 'ctime'].map((field) => `sif ${path} ${field} ${at}\n`)).join('');
  await run('debugfs', ['-w', '-f', '-', image], { env, stdin: commands });
}
