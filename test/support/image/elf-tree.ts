/** A tree of packages in memory's own folder, for tests of what is looked up in one. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from '@jest/globals';
import type { Origin, PackageTree } from '../../../src/image/package-tree.js';
import { UnpackedFiles } from '../../../src/image/unpacked-files.js';

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A new folder, gone after the test. */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'image-test-'));
  folders.push(folder);
  return folder;
}

/** One unpacked package that has these files. */
export async function treeOf(files: Readonly<Record<string, Buffer | string>>): Promise<PackageTree> {
  const root = await scratchFolder();
  for (const [path, content] of Object.entries(files)) {
    const place = join(root, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, content);
  }
  const unpacked = await UnpackedFiles.index([root]);
  const origin: Origin = { package: 'a-package', version: '1.2-3' };
  return {
    find: async (path) => unpacked.find(path),
    list: async (folder) => unpacked.list(folder),
    originsOf: async (sources) =>
      new Map(sources.filter((source) => source.startsWith(root)).map((source) => [source, origin])),
    advice: (name) => `apt-get install ${name}`,
  };
}
