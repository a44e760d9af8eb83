/** A {@link BlockDevice} over a path: a regular file, a loop device, a vbd. */
import { constants, fdatasync, close as fsClose, fstatSync, open, read, readSync, write, writeSync } from 'node:fs';
import { errnoOf, messageOf, StubferryError } from '../base/errors/index.js';
import { isInMemory } from './backing.js';
import type { AccessPath, BlockDevice } from './block-device.js';
import { deviceSize } from './device-size.js';
import { logicalSectorSize } from './sector-size.js';

function ioError(what: string, path: string, offset: number, cause: unknown): StubferryError {
  return new StubferryError('DISK_IO', `cannot ${what} the transfer disk`, {
    where: path,
    offset,
    found: errnoOf(cause) ?? messageOf(cause),
    // dom0 takes the disk away when it has given up a transfer; a stubdom that was held up for longer has not read why.
    hint: "the log of dom0's agent tells if it has taken the disk away; else look at the kernel's log (dmesg)",
    cause,
  });
}

/** More than this is written by a thread, while this one reads and hashes what comes next: what a full pipe holds, with its header, is less. */
export const SYNCHRONOUS_WRITE_BYTES = 128 * 1024;

/** The form of `fs.readSync` and `fs.writeSync` that is used here. */
type CallAtOnce = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => number;

/** The form of `fs.read` and `fs.write` that is used here. */
type PositionedCall = (
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  answered: (error: NodeJS.ErrnoException | null, count: number) => void,
) => void;

class FileDevice implements BlockDevice {
  readonly path: string;
  readonly size: number;
  readonly blockSize: number;
  readonly access: AccessPath;
  readonly #fd: number;
  /** Start times of the requests under way; a Set iterates in the order of insertion, so the first is the oldest. */
  readonly #pending = new Set<{ readonly since: number }>();
  /**
   * A file that both sides have in one page cache, and that has no other place. The kernel copies 32 KiB of it in 3 to 20 us and a MiB in 100
   * to 200, while to have a thread of libuv's do it takes 100 to 500 us more on a small virtual machine, most of that on the processor; a small
   * state takes some twenty steps one after the other, a large one two for each frame. Nothing can hang in it: there is no device.
   */
  readonly isSynchronous: boolean;
  #closed = false;

  constructor(path: string, fd: number, size: number, blockSize: number, access: AccessPath, isMemory: boolean) {
    this.path = path;
    this.#fd = fd;
    this.size = size;
    this.blockSize = blockSize;
    this.access = access;
    this.isSynchronous = isMemory;
  }

  read(into: Uint8Array, position: number): Promise<void> {
    if (this.isSynchronous) return this.#synchronous('read', readSync, into, position);
    return this.#whole('read', read, into, position);
  }

  write(from: Uint8Array, position: number): Promise<void> {
    if (this.isSynchronous && from.length <= SYNCHRONOUS_WRITE_BYTES)
      return this.#synchronous('write', writeSync, from, position);
    return this.#whole('write', write, from, position);
  }

  async #synchronous(what: 'read' | 'write', call: CallAtOnce, bytes: Uint8Array, position: number): Promise<void> {
    this.#assertOpen(what, position);
    this.#check(bytes, position);
    for (let done = 0; done < bytes.length; ) {
      let count: number;
      try {
        count = call(this.#fd, bytes, done, bytes.length - done, position + done);
      } catch (cause) {
        throw ioError(what, this.path, position + done, cause);
      }
      if (count === 0) throw ioError(what, this.path, position + done, new Error('the disk ends here'));
      done += count;
    }
  }

  /** The number of a closed descriptor may be another disk's by now. */
  #assertOpen(what: string, position: number): void {
    if (this.#closed) throw ioError(what, this.path, position, new Error('it was closed'));
  }

  /** Repeats a partial read or write until all of `bytes` is done: the kernel may do less than it was asked for. */
  #whole(what: 'read' | 'write', call: PositionedCall, bytes: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#assertOpen(what, position);
      this.#check(bytes, position);
      const request = { since: performance.now() };
      this.#pending.add(request);
      const settle = (error?: StubferryError): void => {
        this.#answered(request);
        if (error === undefined) resolve();
        else reject(error);
      };
      const step = (done: number): void => {
        const answered = (error: NodeJS.ErrnoException | null, count: number): void => {
          // An answer that comes twice must not go on with a descriptor that was closed since.
          if (!this.#pending.has(request)) return;
          const now = done + count;
          if (error !== null) settle(ioError(what, this.path, position + done, error));
          else if (now === bytes.length) settle();
          else if (count === 0) settle(ioError(what, this.path, position + now, new Error('the disk ends here')));
          else step(now);
        };
        call(this.#fd, bytes, done, bytes.length - done, position + done, answered);
      };
      step(0);
    });
  }

  #check(bytes: Uint8Array, position: number): void {
    if (position < 0 || position + bytes.length > this.size) {
      throw new RangeError(`${position}+${bytes.length} is outside of ${this.path} (${this.size} bytes)`);
    }
    const misaligned = (position | bytes.length | bytes.byteOffset) % this.blockSize !== 0;
    if (this.access === 'direct' && misaligned) {
      throw new RangeError(`${position}+${bytes.length} is not aligned to ${this.blockSize} for O_DIRECT`);
    }
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = { since: performance.now() };
      this.#pending.add(request);
      fdatasync(this.#fd, (error) => {
        this.#answered(request);
        if (error === null) resolve();
        else reject(ioError('flush', this.path, 0, error));
      });
    });
  }

  stalledFor(): number {
    for (const { since } of this.#pending) return performance.now() - since;
    return 0;
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    // A request that the device still owns keeps the descriptor busy: closing it now would let the kernel reuse the number
    // under that request. Its answer closes it; what a hung device never answers goes with the process.
    if (this.#pending.size > 0) return Promise.resolve();
    return new Promise((resolve) => fsClose(this.#fd, () => resolve()));
  }

  #answered(request: { readonly since: number }): void {
    const last = this.#pending.delete(request) && this.#pending.size === 0;
    if (last && this.#closed) fsClose(this.#fd, () => undefined);
  }
}

/** How to open a device. */
export interface OpenDeviceOptions {
  readonly access: AccessPath;
  /** For an inspection: writes then fail. */
  readonly readOnly?: boolean;
}

/**
 * Opens an existing file or device node, for reading and writing unless `readOnly`.
 * The access path asked for is the one in force, or there is an error: nothing falls back.
 *
 * @throws StubferryError DISK_ABSENT when there is no such node, DISK_IO when it cannot be opened that way
 */
export async function openDevice(path: string, options: OpenDeviceOptions): Promise<BlockDevice> {
  const { access, readOnly = false } = options;
  const flags = (readOnly ? constants.O_RDONLY : constants.O_RDWR) | (access === 'direct' ? constants.O_DIRECT : 0);
  const fd = await new Promise<number>((resolve, reject) => {
    open(path, flags, (error, opened) => (error === null ? resolve(opened) : reject(openError(path, access, error))));
  });
  try {
    const isMemory = access === 'buffered' && fstatSync(fd).isFile() && (await isInMemory(path));
    return new FileDevice(path, fd, deviceSize(fd), await logicalSectorSize(fd), access, isMemory);
  } catch (error) {
    await new Promise<void>((resolve) => fsClose(fd, () => resolve()));
    throw error instanceof StubferryError ? error : ioError('open', path, 0, error);
  }
}

function openError(path: string, access: AccessPath, cause: NodeJS.ErrnoException): StubferryError {
  if (cause.code === 'ENOENT' || cause.code === 'ENXIO') {
    return new StubferryError('DISK_ABSENT', 'there is no such transfer disk', {
      where: path,
      found: cause.code,
      cause,
    });
  }
  const direct = access === 'direct' && cause.code === 'EINVAL';
  return new StubferryError('DISK_IO', 'cannot open the transfer disk', {
    where: path,
    found: cause.code,
    ...(direct
      ? {
          expected: 'a medium that takes O_DIRECT',
          hint: 'put the disk on a medium that takes O_DIRECT',
        }
      : {}),
    cause,
  });
}
