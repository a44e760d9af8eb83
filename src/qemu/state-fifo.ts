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
import { PipeSource } from '../endpoints/index.js';
import { messageOf, StubferryError } from '../errors/index.js';
import type { StateSource } from '../transfer/index.js';

let made = 0;

/** fcntl(2); fs-ext has no name for it. */
const F_SETPIPE_SZ = 1031;

/** Most states fit in: then QEMU writes at its own speed, and is free again before the agent has read all. Bytes. */
const PIPE_BYTES = 1024 * 1024;

export class StateFifo {
  readonly path: string;
  readonly #inode: number;

  private constructor(path: string, inode: number) {
    this.path = path;
    this.#inode = inode;
  }

  /** @param folder one that only this process and QEMU can write to. @throws StubferryError CAPTURE_LOST */
  static async make(folder: string): Promise<StateFifo> {
    made += 1;
    const path = join(folder, `state.${process.pid}.${made}.fifo`);
    try {
      // Node has no mkfifo() of its own.
      await promisify(execFile)('mkfifo', ['-m', '600', path]);
      return new StateFifo(path, (await lstat(path)).ino);
    } catch (cause) {
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
      return new PipeSource(fd, this.path);
    } catch (cause) {
      throw unusable(this.path, cause);
    }
  }

  /** Removes it, or whatever QEMU has made in its place. */
  async remove(): Promise<void> {
    await rm(this.path, { force: true });
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
    found: messageOf(cause),
    hint: 'is the folder there and writable, and is mkfifo (coreutils, busybox) installed?',
    cause,
  });
}
