/**
 * The FIFO into which QEMU writes a state, and of which the agent reads it.
 *
 * QEMU opens it by its path, with O_CREAT, so two things must hold. There is a reader before QEMU is asked, or QEMU waits in
 * open(), with its whole main loop. And the FIFO is still there, or QEMU makes a regular file and says that all is well. By a
 * path, and not as a descriptor in a set of QEMU's, because QEMU closes what it has opened: so the state has an end.
 */
import { execFile } from 'node:child_process';
import { constants, fstatSync, openSync } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PipeSource } from '../endpoints/index.js';
import { messageOf, StubferryError } from '../errors/index.js';
import type { StateSource } from '../transfer/index.js';

let made = 0;

export class StateFifo {
  readonly path: string;
  /** The reading end. */
  readonly source: StateSource;
  readonly #inode: number;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#inode = fstatSync(fd).ino;
    this.source = new PipeSource(fd, path);
  }

  /** @param folder one that only this process and QEMU can write to. @throws StubferryError CAPTURE_LOST */
  static async make(folder: string): Promise<StateFifo> {
    made += 1;
    const path = join(folder, `state.${process.pid}.${made}.fifo`);
    try {
      // Node has no mkfifo() of its own.
      await promisify(execFile)('mkfifo', ['-m', '600', path]);
      return new StateFifo(path, openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
    } catch (cause) {
      throw new StubferryError('CAPTURE_LOST', 'cannot make the FIFO for QEMU to write into', {
        where: path,
        found: messageOf(cause),
        hint: 'is the folder there and writable, and is mkfifo (coreutils, busybox) installed?',
        cause,
      });
    }
  }

  /** Whether its path still leads to it. */
  async isInPlace(): Promise<boolean> {
    const there = await lstat(this.path).catch(() => undefined);
    return there?.ino === this.#inode;
  }

  /** Lets go of it, and of whatever QEMU has made in its place. */
  async remove(): Promise<void> {
    await this.source.close();
    await rm(this.path, { force: true });
  }
}
