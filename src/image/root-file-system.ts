/**
 * The system: all that runs in the stubdom, in a squashfs file that stays compressed in memory.
 *
 * Linux has squashfs and erofs in Debian; erofs there compresses by LZ4 alone, and Node takes 60 % more with that.
 */
import { chmod, copyFile, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Manifest } from './manifest.js';
import { runTool } from './run-tool.js';

/** Links that make merged /usr, and the folders on which file systems are mounted. */
const LAYOUT_LINKS = { '/bin': 'usr/bin', '/sbin': 'usr/sbin', '/lib': 'usr/lib', '/lib64': 'usr/lib64' } as const;
const MOUNT_POINTS = ['/dev', '/proc', '/run', '/sys', '/tmp'];

const OPTIONS = [
  ...['-comp', 'zstd', '-Xcompression-level', '19', '-b', '128K'],
  // The same bytes every time.
  ...['-all-root', '-all-time', '0', '-mkfs-time', '0', '-no-xattrs', '-no-exports'],
  ...['-noappend', '-no-progress', '-quiet'],
];

/** A folder that becomes the system. */
export class RootFileSystem {
  readonly #root: string;
  readonly #links = new Map<string, string>();

  private constructor(root: string) {
    this.#root = root;
  }

  static async create(root: string): Promise<RootFileSystem> {
    const system = new RootFileSystem(root);
    await mkdir(root);
    for (const folder of MOUNT_POINTS) await system.#mkdir(folder);
    for (const [path, target] of Object.entries(LAYOUT_LINKS)) await system.link(path, target);
    return system;
  }

  /** All symbolic links, sorted by path. */
  get links(): Manifest['links'] {
    const links = [...this.#links].map(([path, target]) => ({ path, target }));
    return links.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** The place of a file on this machine; its folder is there after this. */
  async place(path: string): Promise<string> {
    await this.#mkdir(dirname(path));
    return join(this.#root, path);
  }

  async copy(source: string, path: string): Promise<string> {
    const place = await this.place(path);
    await copyFile(source, place);
    await chmod(place, isExecutable(path) ? 0o755 : 0o644);
    return place;
  }

  async link(path: string, target: string): Promise<void> {
    await symlink(target, await this.place(path));
    this.#links.set(path, target);
  }

  /** Makes the file system. @throws StubferryError TOOL_MISSING, TOOL_FAILED */
  async compress(destination: string, signal: AbortSignal): Promise<void> {
    await runTool('mksquashfs', [this.#root, destination, ...OPTIONS], signal);
  }

  async #mkdir(folder: string): Promise<void> {
    if (folder !== '/') await this.#mkdir(dirname(folder));
    const place = join(this.#root, folder);
    await mkdir(place, { recursive: true });
    await chmod(place, 0o755);
  }
}

/** Whatever the mode of the file on this machine is. */
function isExecutable(path: string): boolean {
  return /\/s?bin\/|\/libexec\/|\.so(?:\.|$)/.test(path);
}
