/**
 * The files of one machine, and their durable contents after a power loss.
 *
 *     contents    writes since the last fsync of the file may be lost, in sectors of 512 bytes
 *     names       changes since the last fsync of the directory may be lost, the latest first, as with a journal
 *     tmpfs       everything is lost
 *
 * This is what POSIX guarantees and no more: fsync of a file does not make its name durable. The methods take effect
 * immediately. A process uses them through system calls that take time (process.ts).
 */
import { constants } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Random } from '../world/random.js';
import { errno } from './errno.js';
import { Medium } from './medium.js';

const SECTOR = 512;
/** The types that statfs(2) reports. */
const FILE_SYSTEMS = { ext4: 0xef53, tmpfs: 0x01021994 } as const;

export type FileSystemType = keyof typeof FILE_SYSTEMS;

export interface Inode {
  readonly ino: number;
  readonly kind: 'file' | 'folder' | 'device';
  /** The contents of a file. A transfer disk has a medium instead. */
  data: Uint8Array;
  size: number;
  durable: Uint8Array;
  medium: Medium | undefined;
  links: number;
  readonly mode: number;
  holder: OpenFile | undefined;
}

type Names = Map<string, Inode>;

interface Folder {
  readonly inode: Inode;
  /** Whether a power loss empties it. */
  readonly volatile: boolean;
  readonly type: FileSystemType;
  names: Names;
  durable: Names;
  /** The changes of names since the last fsync, in order, as functions that apply a change to a set of names. */
  undone: ((names: Names) => void)[];
}

/** An open file description. */
export interface OpenFile {
  readonly path: string;
  readonly inode: Inode;
  readonly writable: boolean;
  position: number;
  /** Whether the device was removed. */
  dead: boolean;
}

export interface Stat {
  readonly dev: number;
  readonly ino: number;
  readonly nlink: number;
  readonly mode: number;
  readonly uid: number;
  readonly rdev: number;
  readonly size: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isBlockDevice(): boolean;
  isCharacterDevice(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
}

export class FileSystem {
  readonly #folders = new Map<string, Folder>();
  readonly #open = new Set<OpenFile>();
  #ino = 1;
  /** Called after each change of a name, with the path of its directory. */
  onName: (folder: string) => void = () => undefined;
  /** Whether new media store their previous contents. */
  mediaRemember = false;

  /** Creates a directory that exists from the start. */
  mount(
    path: string,
    { volatile = false, type = 'ext4' }: { readonly volatile?: boolean; readonly type?: FileSystemType } = {},
  ): void {
    this.#folders.set(path, this.#newFolder(this.#inode('folder', 0o700), volatile, type));
  }

  #newFolder(inode: Inode, volatile: boolean, type: FileSystemType): Folder {
    return { inode, volatile, type, names: new Map(), durable: new Map(), undone: [] };
  }

  #inode(kind: Inode['kind'], mode: number): Inode {
    this.#ino += 1;
    const [data, durable] = [new Uint8Array(0), new Uint8Array(0)];
    return { ino: this.#ino, kind, data, size: 0, durable, medium: undefined, links: 1, mode, holder: undefined };
  }

  #folder(path: string): Folder {
    const folder = this.#folders.get(path);
    if (folder === undefined) throw errno('ENOENT', path);
    return folder;
  }

  #lookup(path: string): Inode | undefined {
    const folder = this.#folders.get(path);
    if (folder !== undefined) return folder.inode;
    return this.#folders.get(dirname(path))?.names.get(basename(path));
  }

  #there(path: string): Inode {
    const inode = this.#lookup(path);
    if (inode === undefined) throw errno('ENOENT', path);
    return inode;
  }

  #change(path: string, change: (names: Names) => void): void {
    const folder = this.#folder(path);
    change(folder.names);
    folder.undone.push(change);
    this.onName(path);
  }

  open(path: string, flags: number, mode = 0o600): OpenFile {
    let inode = this.#lookup(path);
    if (inode !== undefined && (flags & constants.O_EXCL) !== 0) throw errno('EEXIST', path);
    if (inode === undefined) {
      if ((flags & constants.O_CREAT) === 0) throw errno('ENOENT', path);
      const made = this.#inode('file', mode);
      this.#change(dirname(path), (names) => names.set(basename(path), made));
      inode = made;
    }
    const writable = (flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0;
    if (writable && inode.kind === 'folder') throw errno('EISDIR', path);
    const open = { path, inode, writable, position: 0, dead: false };
    this.#open.add(open);
    return open;
  }

  close(open: OpenFile): void {
    if (open.inode.holder === open) open.inode.holder = undefined;
    this.#open.delete(open);
  }

  lock(open: OpenFile): void {
    if (open.inode.holder !== undefined && open.inode.holder !== open) throw errno('EAGAIN', open.path);
    open.inode.holder = open;
  }

  stat(path: string): Stat {
    return this.statOf(this.#there(path), path);
  }

  statOf(inode: Inode, path: string): Stat {
    const { kind, ino, links, mode } = inode;
    const size = inode.kind === 'device' ? 0 : (inode.medium?.size ?? inode.size);
    const isVolatile = this.#folders.get(dirname(path))?.volatile === true;
    return {
      ...{ dev: isVolatile ? 1 : 2, ino, nlink: links, mode, uid: 0, rdev: kind === 'device' ? 0xca00 : 0, size },
      isFile: () => kind === 'file',
      isDirectory: () => kind === 'folder',
      isBlockDevice: () => kind === 'device',
      isCharacterDevice: () => false,
      isFIFO: () => false,
      isSocket: () => false,
    };
  }

  statfs(path: string): { type: number; bavail: number; bsize: number } {
    const { type } = this.#folders.get(path) ?? this.#folder(dirname(path));
    return { type: FILE_SYSTEMS[type], bavail: 1 << 20, bsize: 4096 };
  }

  mkdir(path: string, mode: number): void {
    if (this.#lookup(path) !== undefined) throw errno('EEXIST', path);
    const parent = this.#folder(dirname(path));
    const inode = this.#inode('folder', mode);
    this.#folders.set(path, this.#newFolder(inode, parent.volatile, parent.type));
    this.#change(dirname(path), (all) => all.set(basename(path), inode));
  }

  readdir(path: string): string[] {
    return [...this.#folder(path).names.keys()];
  }

  unlink(path: string): void {
    const inode = this.#there(path);
    inode.links -= 1;
    this.#change(dirname(path), (names) => names.delete(basename(path)));
  }

  link(from: string, to: string): void {
    const inode = this.#there(from);
    if (this.#lookup(to) !== undefined) throw errno('EEXIST', to);
    inode.links += 1;
    this.#change(dirname(to), (names) => names.set(basename(to), inode));
  }

  rename(from: string, to: string): void {
    const inode = this.#there(from);
    const replaced = this.#lookup(to);
    if (replaced !== undefined) replaced.links -= 1;
    this.#change(dirname(from), (names) => {
      names.delete(basename(from));
      names.set(basename(to), inode);
    });
  }

  removeAll(path: string): void {
    if (!this.#folders.has(path)) return;
    for (const name of this.readdir(path)) this.unlink(`${path}/${name}`);
    this.#folders.delete(path);
    this.#change(dirname(path), (names) => names.delete(basename(path)));
  }

  truncate({ inode, path }: OpenFile, size: number): void {
    // A file that gets its full size by truncation is the image of a transfer disk.
    if (inode.size === 0)
      inode.medium = new Medium(size, this.mediaRemember, this.#folder(dirname(path)).type === 'tmpfs');
  }

  /** Writes at the current position. @returns the number of bytes */
  append(open: OpenFile, chunks: readonly Uint8Array[]): number {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const { inode } = open;
    if (open.position + length > inode.data.length) {
      const larger = new Uint8Array(2 * (open.position + length));
      larger.set(inode.data.subarray(0, inode.size));
      inode.data = larger;
    }
    for (const chunk of chunks) {
      inode.data.set(chunk, open.position);
      open.position += chunk.length;
    }
    inode.size = Math.max(inode.size, open.position);
    return length;
  }

  /** Reads from `position`; null is the current position. @returns the number of bytes */
  readAt(open: OpenFile, into: Uint8Array, position: number | null): number {
    const from = position ?? open.position;
    const bytes = open.inode.data.subarray(from, Math.min(open.inode.size, from + into.length));
    into.set(bytes);
    if (position === null) open.position += bytes.length;
    return bytes.length;
  }

  fsync({ inode, path }: OpenFile): void {
    if (inode.kind === 'folder') {
      const folder = this.#folder(path);
      folder.durable = new Map(folder.names);
      folder.undone = [];
    } else {
      inode.durable = inode.data.slice(0, inode.size);
    }
  }

  /** Replaces a whole file: for files that exist before a run, and for small files that are written by one call. */
  put(path: string, content: Uint8Array, { durable = false } = {}): void {
    let inode = this.#lookup(path);
    if (inode === undefined) {
      const made = this.#inode('file', 0o600);
      this.#change(dirname(path), (names) => names.set(basename(path), made));
      inode = made;
    }
    inode.data = Uint8Array.from(content);
    inode.size = content.length;
    if (!durable) return;
    inode.durable = inode.data.slice();
    const folder = this.#folder(dirname(path));
    folder.durable = new Map(folder.names);
    folder.undone = [];
  }

  /** Returns the current contents, as a reader sees them. */
  content(path: string): Uint8Array | undefined {
    const inode = this.#lookup(path);
    return inode?.data.subarray(0, inode.size);
  }

  /** Returns the contents after a power loss at this time if only the synced data survived. */
  durableContent(path: string): Uint8Array | undefined {
    return this.#folders.get(dirname(path))?.durable.get(basename(path))?.durable;
  }

  /** Creates a device node for `medium`. */
  plug(path: string, medium: Medium): void {
    const inode = { ...this.#inode('device', 0o600), medium };
    this.#folder(dirname(path)).names.set(basename(path), inode);
  }

  /** Removes a device. Open files of it return errors after that. */
  unplug(path: string): void {
    const inode = this.#lookup(path);
    this.#folders.get(dirname(path))?.names.delete(basename(path));
    for (const open of this.#open) if (open.inode === inode) open.dead = true;
  }

  mediumOf(path: string): Medium | undefined {
    return this.#lookup(path)?.medium;
  }

  /** Removes a file without a notification. */
  forget(path: string): void {
    const folder = this.#folder(dirname(path));
    folder.names.delete(basename(path));
    folder.durable.delete(basename(path));
    folder.undone = [];
  }

  has(path: string): boolean {
    return this.#lookup(path) !== undefined;
  }

  /** Returns the paths of all names. */
  names(): string[] {
    return [...this.#folders].flatMap(([path, { names }]) => [...names.keys()].map((name) => `${path}/${name}`));
  }

  /** Closes all files, and loses some of the data that was not synced. */
  losePower(random: Random): void {
    this.#open.clear();
    for (const [path, folder] of [...this.#folders]) {
      if (folder.volatile) {
        folder.names.clear();
        if (this.#folders.get(dirname(path))?.volatile === true) this.#folders.delete(path);
        continue;
      }
      const kept = random.below(folder.undone.length + 1);
      for (const change of folder.undone.slice(0, kept)) change(folder.durable);
      folder.names = new Map(folder.durable);
      folder.undone = [];
      for (const inode of folder.names.values()) {
        if (inode.kind === 'file') tear(inode, random);
        inode.holder = undefined;
      }
      // The names that remain determine the link counts.
      const inodes = [...folder.names.values()];
      for (const inode of inodes) inode.links = inodes.filter((other) => other === inode).length;
      this.onName(path);
    }
  }
}

/** Applies a power loss to a file: each sector that was not synced has its old or its new contents. */
function tear(inode: Inode, random: Random): void {
  const size = random.chance(0.5) ? inode.size : inode.durable.length;
  const data = new Uint8Array(size);
  data.set(inode.durable.subarray(0, size));
  for (let at = 0; at < size; at += SECTOR) {
    if (random.chance(0.5)) data.set(inode.data.subarray(at, Math.min(at + SECTOR, size, inode.size)), at);
  }
  inode.data = data;
  inode.size = size;
  inode.durable = data.slice();
}
