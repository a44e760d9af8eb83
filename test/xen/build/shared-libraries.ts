/** Finds the shared libraries of programs in an unpacked root with the loader of that root, without a chroot. */
import { join, relative } from 'node:path';
import { run } from './run.js';

const LOADER = 'usr/lib64/ld-linux-x86-64.so.2';
const FOLDERS = ['usr/lib/x86_64-linux-gnu'];

/** Returns the paths of the libraries and the loader, relative to the root. @throws Error when a library is missing */
export async function sharedLibraries(root: string, programs: readonly string[]): Promise<string[]> {
  const path = FOLDERS.map((folder) => join(root, folder)).join(':');
  const found = new Set<string>([LOADER]);
  for (const program of programs) {
    const args = ['--inhibit-cache', '--library-path', path, '--list', join(root, program)];
    const listed = `${await run(join(root, LOADER), args)}`;
    for (const [, name, library] of listed.matchAll(/^\s*(\S+) => (\S+)/gm)) {
      if (!library?.startsWith(`${root}/`))
        throw new Error(`${program} needs ${name}, which is in none of the packages`);
      found.add(relative(root, library));
    }
  }
  return [...found].sort();
}
