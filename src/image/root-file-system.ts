/**
 * The root file system of the stubdom: a squashfs file that stays compressed in memory.
 *
 * Debian's Linux has squashfs and erofs. Its erofs compresses by LZ4 only, with which Node takes 60 % more space.
 */
import { chmod, copyFile, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Manifest } from './manifest.js';
import { runTool } from './run-tool.js';

/** The links of the merged /usr layout. */
const LAYOUT_LINKS = { '/bin': 'usr/bin', '/sbin': 'usr/sbin', '/lib': 'usr/lib', '/lib64': 'usr/lib64' } as const;
/** The directories on which file systems are mounted. */
const MOUNT_POINTS = ['/dev', '/proc', '/run', '/sys', '/tmp'];

const OPTIONS = [
  ...['-comp', 'zstd', '-Xcompression-level', '19', '-b', '128K'],
  // The same files give the same bytes.
  ...['-all-root', '-all-time', '0', '-mkfs-time', '0', '-no-xattrs', '-no-exports'],
  ...['-noappend', '-no-progress', '-quiet'],
];

/** A directory on this machine that becomes the root file system of the image. */
export class RootFileSystem {
  readonly #root: string;
  readonly #links = new Map<string, string>();

  private constructor(root: string) {
    this.#root = root;
  }

  /** Creates the directory with its mount points and layout links. @param root the path of the directory */
  static async create(root: string): Promise<RootFileSystem> {
    const rootFileSystem = new RootFileSystem(root);
    await mkdir(root);
    for (const directory of MOUNT_POINTS) await rootFileSystem.#mkdir(directory);
    for (const [path, target] of Object.entries(LAYOUT_LINKS)) await rootFileSystem.link(path, target);
    return rootFileSystem;
  }

  /** The symbolic links, sorted by path. */
  get links(): Manifest['links'] {
    const links = [...this.#links].map(([path, target]) => ({ path, target }));
    return links.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Creates the parent directory of a file. @param path the path in the image @returns the path on this machine */
  async hostPath(path: string): Promise<string> {
    await this.#mkdir(dirname(path));
    return join(this.#root, path);
  }

  /** Copies a file of this machine. @param path the path in the image @returns the path of the copy on this machine */
  async copy(source: string, path: string): Promise<string> {
    const copy = await this.hostPath(path);
    await copyFile(source, copy);
    await chmod(copy, isExecutable(path) ? 0o755 : 0o644);
    return copy;
  }

  /** Creates a symbolic link. @param path the path in the image */
  async link(path: string, target: string): Promise<void> {
    await symlink(target, await this.hostPath(path));
    this.#links.set(path, target);
  }

  /** Writes the squashfs file. @throws StubferryError TOOL_MISSING, TOOL_FAILED: when mksquashfs is missing or fails */
  async compress(destination: string, signal: AbortSignal): Promise<void> {
    await runTool('mksquashfs', [this.#root, destination, ...OPTIONS], signal);
  }

  async #mkdir(directory: string): Promise<void> {
    if (directory !== '/') await this.#mkdir(dirname(directory));
    const hostPath = join(this.#root, directory);
    await mkdir(hostPath, { recursive: true });
    await chmod(hostPath, 0o755);
  }
}

/** The path decides, not the mode of the source file. */
function isExecutable(path: string): boolean {
  return /\/s?bin\/|\/libexec\/|\.so(?:\.|$)/.test(path);
}
