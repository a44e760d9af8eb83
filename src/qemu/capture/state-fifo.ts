/**
 * The FIFO that QEMU writes a state to and the agent reads it from.
 *
 * QEMU opens the FIFO by its path, with O_CREAT, so two conditions must hold before QEMU receives the command. The FIFO
 * must have a reader, or QEMU's main loop blocks in open(). And the FIFO must still exist, or QEMU creates a regular
 * file and reports success. QEMU gets a path and not a descriptor in one of its fdsets, because QEMU closes a file that
 * it has opened: this gives the state an end of file.
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
import { makeDirectory } from './capture-directory.js';

/** fcntl(2); fs-ext has no name for it. */
const F_SETPIPE_SZ = 1031;

/**
 * In bytes. Most states fit, so QEMU writes at its own speed and can finish before the agent has read all of the state.
 */
const PIPE_BYTES = 1024 * 1024;

/** A FIFO in a directory that only this user can enter. */
export class StateFifo {
  readonly path: string;
  readonly #directory: string;
  readonly #inode: number;

  private constructor(directory: string, path: string, inode: number) {
    this.#directory = directory;
    this.path = path;
    this.#inode = inode;
  }

  /** Creates the FIFO in a new directory in `parent`. @throws StubferryError CAPTURE_LOST */
  static async make(parent: string): Promise<StateFifo> {
    const directory = await makeDirectory(parent);
    const path = join(directory, 'state.fifo');
    try {
      // Node has no mkfifo().
      await promisify(execFile)('mkfifo', ['-m', '600', path]);
      return new StateFifo(directory, path, (await lstat(path)).ino);
    } catch (cause) {
      await rm(directory, { recursive: true, force: true });
      throw unusable(path, cause);
    }
  }

  /** Whether the path still names this FIFO. */
  async isInPlace(): Promise<boolean> {
    const present = await lstat(this.path).catch(() => undefined);
    // The inode number alone proves nothing: the file system soon reuses the inode of a removed FIFO.
    return present?.isFIFO() === true && present.ino === this.#inode;
  }

  /**
   * Opens the reading end for one state. After this, QEMU can open the writing end.
   * @throws StubferryError CAPTURE_LOST
   */
  open(): StateSource {
    try {
      const fd = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
      enlarge(fd);
      return PipeSource.of(fd, this.path);
    } catch (cause) {
      throw unusable(this.path, cause);
    }
  }

  /** Removes the FIFO, or the file that QEMU has created in its place, with the directory. */
  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function enlarge(fd: number): void {
  try {
    fcntlSync(fd, F_SETPIPE_SZ, PIPE_BYTES);
  } catch {
    // This user has reached the limit in /proc/sys/fs/pipe-user-pages-soft. The default size works, but is slower.
  }
}

function unusable(path: string, cause: unknown): StubferryError {
  return new StubferryError('CAPTURE_LOST', 'cannot create or open the FIFO that QEMU writes to', {
    where: path,
    // The last line of the message of a failed mkfifo.
    found: messageOf(cause).trim().split('\n').at(-1),
    hint: 'check that the directory exists and is writable, and that mkfifo (coreutils or busybox) is installed',
    cause,
  });
}
