/**
 * The calls by which a file is written and gets its name: through libuv's threads, or at once.
 *
 * On a file system that is nothing but memory each of them takes the kernel 5 to 40 us and cannot wait for anything; the way through a
 * thread and back takes 100 to 1500 us on a busy machine of two cores, and a small state needs seven of them one after the other, while its
 * guest stands still. What lies on a disk may wait for it, and never holds up the event loop.
 */
import { fsyncSync, linkSync, renameSync, unlinkSync, writevSync } from 'node:fs';
import { type FileHandle, link, rename, unlink } from 'node:fs/promises';
import { SYNCHRONOUS_WRITE_BYTES } from '../blockdev-utils/index.js';

export interface FileCalls {
  /** Appends; resolves to the count of bytes that the file system took. */
  append(file: FileHandle, chunks: readonly Uint8Array[]): Promise<number>;
  sync(file: FileHandle): Promise<void>;
  link(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

/** Through libuv's threads. */
export const asynchronousCalls: FileCalls = {
  append: async (file, chunks) => (await file.writev(chunks)).bytesWritten,
  sync: (file) => file.sync(),
  link,
  rename,
  unlink,
};

/** At once: for what is in memory. */
export const synchronousCalls: FileCalls = {
  append: async (file, chunks) => {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    return length > SYNCHRONOUS_WRITE_BYTES ? asynchronousCalls.append(file, chunks) : writevSync(file.fd, chunks);
  },
  sync: async ({ fd }) => fsyncSync(fd),
  link: async (from, to) => linkSync(from, to),
  rename: async (from, to) => renameSync(from, to),
  unlink: async (path) => unlinkSync(path),
};
