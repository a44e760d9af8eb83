/** Unpacks the files of Debian packages into a directory. No maintainer script runs. */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { bash } from './run.js';

/** Directories that the lab does not need. */
const EXCLUDED = ['./usr/share/doc', './usr/share/man', './usr/share/locale', './usr/share/icons', './usr/share/info'];

/** Directories that are links into /usr on Debian. They are created before anything is unpacked. */
const MERGED = ['bin', 'sbin', 'lib', 'lib64'];

/** Unpacks packages into the root directory of a system. */
export async function unpackRoot(debs: readonly string[], root: string): Promise<void> {
  for (const name of MERGED) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(root, name));
  }
  await unpack(
    debs,
    root,
    EXCLUDED.map((path) => `--exclude=${path}`),
  );
}

/** Unpacks packages into `root`. `tarOptions` select the files. */
export async function unpack(debs: readonly string[], root: string, tarOptions: readonly string[]): Promise<void> {
  await mkdir(root, { recursive: true });
  const line =
    'deb=$1; root=$2; shift 2; dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink "$@"';
  for (const deb of debs) await bash(line, { args: [deb, root, ...tarOptions] });
}
