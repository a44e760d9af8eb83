/** The initramfs: the files of the ramdisk that mount the root file system. Linux frees them after the switch to it. */
import { readFile } from 'node:fs/promises';
import { FIRST_INIT } from './agent-files.js';
import { type LoadedModule, loadList } from './kernel-modules.js';
import type { ManifestBuilder } from './manifest-builder.js';
import { findPart, type Origin, type PackageTree } from './package-tree.js';
import type { RamdiskFile } from './ramdisk.js';

const MODULES = 'modules.d';

/**
 * Collects the files of the initramfs and adds them to the manifest.
 *
 * @param modules the kernel modules that are needed to mount the root file system, in load order
 * @param own the origin of stubferry's own files
 * @throws StubferryError PACKAGE_MISSING: when busybox is missing
 */
export async function initramfsFiles(
  tree: PackageTree,
  modules: readonly LoadedModule[],
  builder: ManifestBuilder,
  own: Origin,
): Promise<RamdiskFile[]> {
  const busybox = await findPart(tree, '/usr/bin/busybox', 'busybox-static');
  const files: RamdiskFile[] = [];
  const add = (path: string, source: string, content: Buffer, executable: boolean, origin?: Origin): void => {
    files.push({ path, executable, content });
    builder.add({ path: `/${path}`, in: 'ramdisk', source, content }, origin);
  };
  add('init', FIRST_INIT, await readFile(FIRST_INIT), true, own);
  add('bin/busybox', busybox.source, await readFile(busybox.source), true);
  add('modules', 'modules', loadList(modules, `/${MODULES}`), false, own);
  for (const { name, source, bytes } of modules) add(`${MODULES}/${name}.ko`, source, bytes, false);
  return files;
}
