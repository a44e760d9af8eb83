/** A regular file, or a character device such as a terminal or /dev/null, as the source of a state. */
import { close, fstat, open, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf, messageOf, StubferryError } from '../base/errors/index.js';
import { isInMemory } from '../blockdev-utils/index.js';
import type { Seekable, StateSource } from '../formats/state-source.js';

export class FileSource implements StateSource {
  readonly #fd: number;
  readonly #path: string;
  /** Only of a file that this process opened: where an inherited descriptor stands, nobody knows. */
  readonly seekable: Seekable | undefined;
  /**
   * It is in memory: then a read is a copy of 0.1 ms for a MiB. To have a thread make that copy takes twice as long, on a virtual machine
   * of two cores, and as much of a processor.
   */
  readonly #synchronous: boolean;
  /** Calls under way. */
  #using = 0;
  #closed = false;

  /**
   * @param fd owned from here on; read from where it stands
   * @param seekable it is a regular file, at its beginning
   * @param synchronous it is nothing but memory
   */
  constructor(fd: number, path: string, seekable = false, synchronous = false) {
    this.#fd = fd;
    this.#synchronous = synchronous;
    this.#path = path;
    this.seekable = seekable ? this : undefined;
  }

  /** @throws StubferryError INPUT_UNREADABLE */
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

  /** Reads from a place of its own, without moving where {@link read} stands; short only at the end. */
  readAt(into: Uint8Array, offset: number): Promise<number> {
    return this.#read(into, offset);
  }

  #read(into: Uint8Array, offset: number | null): Promise<number> {
    return this.#use(async (fd) => {
      if (this.#synchronous) return readSync(fd, into, 0, into.length, offset);
      return (await promisify(read)(fd, into, 0, into.length, offset)).bytesRead;
    });
  }

  /** Bytes. */
  size(): Promise<number> {
    return this.#use(async (fd) => (await promisify(fstat)(fd)).size);
  }

  /** The number of a descriptor that was closed may be that of another file by now: another domain's state, say. */
  async #use(call: (fd: number) => Promise<number>): Promise<number> {
    if (this.#closed) throw unreadable(this.#path, new Error('closed already'));
    this.#using += 1;
    try {
      return await call(this.#fd);
    } catch (cause) {
      throw unreadable(this.#path, cause);
    } finally {
      this.#using -= 1;
      if (this.#closed && this.#using === 0) close(this.#fd, () => undefined);
    }
  }

  /** Under a read the descriptor stays open until that has ended: its number must not get another meaning. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#using === 0) await promisify(close)(this.#fd);
  }
}

/** The error for a source that cannot be opened or read. */
export function unreadable(path: string, cause: unknown): StubferryError {
  return new StubferryError('INPUT_UNREADABLE', 'cannot read the input', {
    where: path,
    found: errnoOf(cause) ?? messageOf(cause),
    hint: 'is it there, and may this user read it?',
    cause,
  });
}
