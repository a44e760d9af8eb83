/** A {@link BlockDevice} for a path: a regular file, a loop device or a vbd. */
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
    // dom0 removes the disk when it gives up a transfer. A stubdom that was paused for longer has not read the reason.
    hint: 'the log of the dom0 agent states whether dom0 has removed the disk; otherwise see the kernel log (dmesg)',
    cause,
  });
}

/**
 * The maximum size of a synchronous write, in bytes. A libuv thread executes a larger write, while the main thread
 * reads and hashes the next bytes. The content of a full pipe with its header is smaller than this limit.
 */
export const SYNCHRONOUS_WRITE_BYTES = 128 * 1024;

/** The signature of `fs.readSync` and `fs.writeSync` that this module uses. */
type SynchronousCall = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => number;

/** The signature of `fs.read` and `fs.write` that this module uses. */
type PositionedCall = (
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  callback: (error: NodeJS.ErrnoException | null, count: number) => void,
) => void;

class FileDevice implements BlockDevice {
  readonly path: string;
  readonly size: number;
  readonly blockSize: number;
  readonly access: AccessPath;
  readonly #fd: number;
  /**
   * The start times of the requests in progress. A Set iterates in the order of insertion, so the first is the oldest.
   */
  readonly #pending = new Set<{ readonly since: number }>();
  /**
   * Whether the device is a file in memory, which both sides access through one page cache. The kernel copies 32 KiB of
   * such a file in 3 to 20 us and a MiB in 100 to 200 us. A libuv thread adds 100 to 500 us on a small virtual machine,
   * most of it processor time. A small state takes about twenty steps one after another, and a large state takes two
   * steps per frame. A synchronous call cannot hang, because no device is involved.
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
    return this.#asynchronous('read', read, into, position);
  }

  write(from: Uint8Array, position: number): Promise<void> {
    if (this.isSynchronous && from.length <= SYNCHRONOUS_WRITE_BYTES)
      return this.#synchronous('write', writeSync, from, position);
    return this.#asynchronous('write', write, from, position);
  }

  async #synchronous(
    what: 'read' | 'write',
    call: SynchronousCall,
    bytes: Uint8Array,
    position: number,
  ): Promise<void> {
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

  /** Refuses calls after `close`: the kernel may reuse the descriptor for another disk. */
  #assertOpen(what: string, position: number): void {
    if (this.#closed) throw ioError(what, this.path, position, new Error('the device is closed'));
  }

  /**
   * Repeats a partial read or write until all of `bytes` is done: the kernel may transfer fewer bytes than requested.
   */
  #asynchronous(what: 'read' | 'write', call: PositionedCall, bytes: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#assertOpen(what, position);
      this.#check(bytes, position);
      const request = { since: performance.now() };
      this.#pending.add(request);
      const settle = (error?: StubferryError): void => {
        this.#complete(request);
        if (error === undefined) resolve();
        else reject(error);
      };
      const step = (done: number): void => {
        const callback = (error: NodeJS.ErrnoException | null, count: number): void => {
          // A completion that is reported twice must not use a descriptor that was closed in the meantime.
          if (!this.#pending.has(request)) return;
          const now = done + count;
          if (error !== null) settle(ioError(what, this.path, position + done, error));
          else if (now === bytes.length) settle();
          else if (count === 0) settle(ioError(what, this.path, position + now, new Error('the disk ends here')));
          else step(now);
        };
        call(this.#fd, bytes, done, bytes.length - done, position + done, callback);
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
        this.#complete(request);
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
    // A request in progress still uses the descriptor. If it were closed now, the kernel could reuse its number during
    // that request. The completion of the last request closes it. If a hung device never completes a request, the
    // descriptor is closed when the process exits.
    if (this.#pending.size > 0) return Promise.resolve();
    return new Promise((resolve) => fsClose(this.#fd, () => resolve()));
  }

  #complete(request: { readonly since: number }): void {
    const last = this.#pending.delete(request) && this.#pending.size === 0;
    if (last && this.#closed) fsClose(this.#fd, () => undefined);
  }
}

/** The options of {@link openDevice}. */
export interface OpenDeviceOptions {
  readonly access: AccessPath;
  /** Opens the device only for reading, for an inspection. Writes then fail. */
  readonly readOnly?: boolean;
}

/**
 * Opens an existing file or device node for reading and writing, or only for reading with `readOnly`.
 *
 * It never falls back to another access path than the requested one.
 * @throws StubferryError DISK_ABSENT: when the node or its device does not exist
 * @throws StubferryError DISK_IO: when the device cannot be opened with this access path
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
    return new StubferryError('DISK_ABSENT', 'the transfer disk does not exist', {
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
          expected: 'a medium that supports O_DIRECT',
          hint: 'put the disk on a medium that supports O_DIRECT',
        }
      : {}),
    cause,
  });
}
