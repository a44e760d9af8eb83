/** A package tree in a temporary directory, for tests. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from '@jest/globals';
import type { Origin, PackageTree } from '../../../src/image/package-tree.js';
import { UnpackedFiles } from '../../../src/image/unpacked-files.js';

const directories: string[] = [];

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

/** Creates a directory that is removed after the test. */
export async function scratchDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'image-test-'));
  directories.push(directory);
  return directory;
}

/** Creates a tree of one unpacked package. @param files contents by path */
export async function treeOf(files: Readonly<Record<string, Buffer | string>>): Promise<PackageTree> {
  const root = await scratchDirectory();
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  const unpacked = await UnpackedFiles.index([root]);
  const origin: Origin = { package: 'a-package', version: '1.2-3' };
  return {
    find: async (path) => unpacked.find(path),
    list: async (directory) => unpacked.list(directory),
    originsOf: async (sources) =>
      new Map(sources.filter((source) => source.startsWith(root)).map((source) => [source, origin])),
    advice: (name) => `apt-get install ${name}`,
  };
}
