/**
 * The calls that write a file and give it its name, in an asynchronous and a synchronous form.
 *
 * On a file system in memory, each call takes the kernel 5 to 40 us and never blocks. A call through a libuv thread
 * takes 100 to 1500 us on a busy machine with two cores. A small state needs seven calls one after another while its
 * guest is paused, so files in memory use the synchronous form. A call for a file on a disk may block, so these files
 * use the asynchronous form, which never blocks the event loop.
 */
import { fsyncSync, linkSync, renameSync, unlinkSync, writevSync } from 'node:fs';
import { type FileHandle, link, rename, unlink } from 'node:fs/promises';
import { SYNCHRONOUS_WRITE_BYTES } from '../blockdev-utils/index.js';

/** The file system calls of an atomic file. */
export interface FileCalls {
  /** Appends `chunks` and resolves to the number of bytes written, which may be less than their total length. */
  append(file: FileHandle, chunks: readonly Uint8Array[]): Promise<number>;
  sync(file: FileHandle): Promise<void>;
  link(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

/** Calls that libuv's threads execute. */
export const asynchronousCalls: FileCalls = {
  append: async (file, chunks) => (await file.writev(chunks)).bytesWritten,
  sync: (file) => file.sync(),
  link,
  rename,
  unlink,
};

/**
 * Synchronous calls for files in memory. Writes of more than {@link SYNCHRONOUS_WRITE_BYTES} are asynchronous all the
 * same.
 */
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
