/**
 * The FIFO into which QEMU writes a state, and of which the agent reads it.
 *
 * QEMU opens it by its path, with O_CREAT, so two things must hold. There is a reader before QEMU is asked, or QEMU waits in
 * open(), with its whole main loop. And the FIFO is still there, or QEMU makes a regular file and says that all is well. By a
 * path, and not as a descriptor in a set of QEMU's, because QEMU closes what it has opened: so the state has an end.
 */
import { execFile } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fcntlSync } from 'fs-ext';
import { messageOf, StubferryError } from '../../base/errors/index.js';
import type { StateSource } from '../../formats/state-source.js';
import { PipeSource } from '../../io/index.js';
import { makeFolder } from './capture-folder.js';

/** fcntl(2); fs-ext has no name for it. */
const F_SETPIPE_SZ = 1031;

/** Most states fit in: then QEMU writes at its own speed, and is free again before the agent has read all. Bytes. */
const PIPE_BYTES = 1024 * 1024;

export class StateFifo {
  readonly path: string;
  readonly #folder: string;
  readonly #inode: number;

  private constructor(folder: string, path: string, inode: number) {
    this.#folder = folder;
    this.path = path;
    this.#inode = inode;
  }

  /** @param parent where a folder for it is made, which only this user can enter. @throws StubferryError CAPTURE_LOST */
  static async make(parent: string): Promise<StateFifo> {
    const folder = await makeFolder(parent);
    const path = join(folder, 'state.fifo');
    try {
      // Node has no mkfifo() of its own.
      await promisify(execFile)('mkfifo', ['-m', '600', path]);
      return new StateFifo(folder, path, (await lstat(path)).ino);
    } catch (cause) {
      await rm(folder, { recursive: true, force: true });
      throw unusable(path, cause);
    }
  }

  /** Whether its path still leads to it. */
  async isInPlace(): Promise<boolean> {
    const there = await lstat(this.path).catch(() => undefined);
    // The inode of a FIFO that was removed is soon given to another file.
    return there?.isFIFO() === true && there.ino === this.#inode;
  }

  /** Its reading end, for one state; from now on QEMU can open the other. @throws StubferryError CAPTURE_LOST */
  open(): StateSource {
    try {
      const fd = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
      enlarge(fd);
      return PipeSource.of(fd, this.path);
    } catch (cause) {
      throw unusable(this.path, cause);
    }
  }

  /** Removes it, or whatever QEMU has made in its place. */
  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function enlarge(fd: number): void {
  try {
    fcntlSync(fd, F_SETPIPE_SZ, PIPE_BYTES);
  } catch {
    // Beyond this user's share (/proc/sys/fs/pipe-user-pages-soft): it is slower, and works.
  }
}

function unusable(path: string, cause: unknown): StubferryError {
  return new StubferryError('CAPTURE_LOST', 'cannot make or open the FIFO for QEMU to write into', {
    where: path,
    // Of a program that failed, its last line.
    found: messageOf(cause).trim().split('\n').at(-1),
    hint: 'is the folder there and writable, and is mkfifo (coreutils, busybox) installed?',
    cause,
  });
}
