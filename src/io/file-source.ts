/** A regular file, or a character device such as a terminal or /dev/null, as the source of a state. */
import { close, fstat, open, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf, messageOf, StubferryError } from '../base/errors/index.js';
import { isInMemory } from '../blockdev-utils/index.js';
import type { Seekable, StateSource } from '../formats/state-source.js';

/** Reads a state from a file descriptor. */
export class FileSource implements StateSource {
  readonly #fd: number;
  readonly #path: string;
  /** Defined only for a regular file that this process opened: the offset of an inherited descriptor is unknown. */
  readonly seekable: Seekable | undefined;
  /**
   * Whether the file is in memory. A synchronous read is then a copy that takes 0.1 ms per MiB. On a virtual machine
   * with two cores, a read through a thread takes twice as long and twice as much processor time.
   */
  readonly #synchronous: boolean;
  /** The number of calls in progress. */
  #activeCalls = 0;
  #closed = false;

  /**
   * @param fd the descriptor, which the source owns and closes; it is read from its current offset
   * @param seekable whether the descriptor is a regular file at offset 0
   * @param synchronous whether the file is in memory
   */
  constructor(fd: number, path: string, seekable = false, synchronous = false) {
    this.#fd = fd;
    this.#synchronous = synchronous;
    this.#path = path;
    this.seekable = seekable ? this : undefined;
  }

  /**
   * Opens the file at `path`.
   * @throws StubferryError INPUT_UNREADABLE: when the file cannot be opened
   */
  static async open(path: string): Promise<FileSource> {
    try {
      const fd = await promisify(open)(path, 'r');
      const isFile = (await promisify(fstat)(fd)).isFile();
      return new FileSource(fd, path, isFile, isFile && (await isInMemory(path)));
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }

  read(into: Uint8Array): Promise<number> {
    return this.#read(into, null);
  }

  /** Reads at `offset` without changing the offset of {@link read}. Reads fewer bytes only at the end of the file. */
  readAt(into: Uint8Array, offset: number): Promise<number> {
    return this.#read(into, offset);
  }

  #read(into: Uint8Array, offset: number | null): Promise<number> {
    return this.#use(async (fd) => {
      if (this.#synchronous) return readSync(fd, into, 0, into.length, offset);
      return (await promisify(read)(fd, into, 0, into.length, offset)).bytesRead;
    });
  }

  /** The size of the file in bytes. */
  size(): Promise<number> {
    return this.#use(async (fd) => (await promisify(fstat)(fd)).size);
  }

  /** Refuses calls after `close`: the kernel may reuse the descriptor, for example for the state of another domain. */
  async #use(call: (fd: number) => Promise<number>): Promise<number> {
    if (this.#closed) throw unreadable(this.#path, new Error('the source is closed'));
    this.#activeCalls += 1;
    try {
      return await call(this.#fd);
    } catch (cause) {
      throw unreadable(this.#path, cause);
    } finally {
      this.#activeCalls -= 1;
      if (this.#closed && this.#activeCalls === 0) close(this.#fd, () => undefined);
    }
  }

  /** During a read the descriptor stays open until the read ends, so that the kernel cannot reuse its number. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#activeCalls === 0) await promisify(close)(this.#fd);
  }
}

/** The INPUT_UNREADABLE error for a source that cannot be opened or read. */
export function unreadable(path: string, cause: unknown): StubferryError {
  return new StubferryError('INPUT_UNREADABLE', 'cannot read the input', {
    where: path,
    found: errnoOf(cause) ?? messageOf(cause),
    hint: 'check that the input exists and that this user may read it',
    cause,
  });
}
