/**
 * A file that appears under its name only when it is complete.
 *
 *     open      create .NAME.<transfer UUID>.part next to NAME: a new file, mode 0600, locked by this process
 *     write     append to the .part file
 *     commit    fsync the file; give it the name NAME (with link, which never overwrites a file that another process
 *               created in the meantime; with rename if `replace` is set); fsync the directory
 *     discard   remove the .part file
 *
 * A `.part` file without a lock is abandoned, because its process ended. The next save to the same NAME removes it.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf, StubferryError } from '../base/errors/index.js';
import { isInMemory, tryLock } from '../blockdev-utils/index.js';
import type { ByteOutput } from '../formats/byte-output.js';
import { destinationError } from './destination-error.js';
import { asynchronousCalls, type FileCalls, synchronousCalls } from './file-calls.js';

/** The options of {@link AtomicFile.open}. */
export interface AtomicFileOptions {
  /** The UUID of the transfer. It makes the name of the `.part` file unique and identifies its transfer. */
  readonly transferUuid: string;
  /** Whether a file at the destination may be replaced. */
  readonly replace: boolean;
  /** Called immediately before the file gets its name. After a later crash the file remains under that name. */
  readonly onPublish?: ((file: FileIdentity) => void) | undefined;
}

/** The device and inode numbers of a file. They identify it under any name. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/** The path of the temporary `.part` file that becomes `destination`. */
export function temporaryPath(destination: string, transferUuid: string): string {
  return join(dirname(destination), `.${basename(destination)}.${transferUuid}.part`);
}

/** An output to a regular file that is published under its name by `commit`. */
export class AtomicFile implements ByteOutput {
  readonly #destination: string;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #directory: FileHandle;
  readonly #identity: FileIdentity;
  readonly #calls: FileCalls;
  readonly #options: AtomicFileOptions;
  #open = true;
  #discarded = false;
  #committing: Promise<void> | undefined;
  #committed = false;

  private constructor(
    destination: string,
    path: string,
    file: FileHandle,
    directory: FileHandle,
    identity: FileIdentity,
    calls: FileCalls,
    options: AtomicFileOptions,
  ) {
    this.#destination = destination;
    this.#path = path;
    this.#file = file;
    this.#directory = directory;
    this.#identity = identity;
    this.#calls = calls;
    this.#options = options;
  }

  /**
   * Removes abandoned `.part` files of `destination`, then creates and locks a new one.
   * @throws StubferryError DESTINATION_EXISTS: when `destination` exists and `replace` is not set
   * @throws StubferryError DESTINATION_UNWRITABLE, DESTINATION_FULL: when the `.part` file cannot be created or locked
   */
  static async open(destination: string, options: AtomicFileOptions): Promise<AtomicFile> {
    const { transferUuid, replace } = options;
    if (!replace) await mustBeAbsent(destination);
    await sweep(destination);
    const path = temporaryPath(destination, transferUuid);
    for (let tries = 0; ; tries += 1) {
      const file = await create(path, destination);
      const identity = await lockNew(file, path, destination);
      if (identity !== undefined) {
        const directory = await openDirectory(destination, file, path);
        const calls = (await isInMemory(path).catch(() => false)) ? synchronousCalls : asynchronousCalls;
        return new AtomicFile(destination, path, file, directory, identity, calls, options);
      }
      await file.close();
      await delay(SWEEP_MS * tries);
    }
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    try {
      const written = await this.#calls.append(this.#file, chunks);
      if (written < length) await this.#writeRest(chunks, written);
    } catch (cause) {
      throw destinationError(this.#destination, cause);
    }
  }

  /**
   * A file system that is nearly full writes a part of the data first and fails with ENOSPC only at the next attempt.
   */
  async #writeRest(chunks: readonly Uint8Array[], written: number): Promise<void> {
    const rest = Buffer.concat(chunks).subarray(written);
    for (let done = 0; done < rest.length; ) {
      done += (await this.#file.write(rest, done, rest.length - done)).bytesWritten;
    }
  }

  commit(): Promise<void> {
    this.#committing = this.#commit();
    return this.#committing;
  }

  async #commit(): Promise<void> {
    try {
      await this.#calls.sync(this.#file);
      if (this.#discarded) throw new Error('the output was discarded before it was published');
      await this.#publish();
    } catch (cause) {
      // A file that another process created in the meantime is reported like one that existed from the start.
      throw destinationError(this.#destination, cause, errnoOf(cause) === 'EEXIST');
    }
    this.#committed = true;
    // The guest may be paused until the receiver has written COMMITTED. The files are therefore closed in a later
    // turn of the event loop, and the commit does not wait for it.
    setImmediate(() => this.#close().catch(() => undefined));
  }

  /** Gives the file its name, which makes it visible. If the name cannot be made durable, removes the file again. */
  async #publish(): Promise<void> {
    const { onPublish, replace } = this.#options;
    const calls = this.#calls;
    onPublish?.(this.#identity);
    await (replace ? calls.rename(this.#path, this.#destination) : calls.link(this.#path, this.#destination));
    try {
      // If a power loss brings the old name back, the next save to this destination removes it.
      await Promise.all([replace ? undefined : calls.unlink(this.#path), calls.sync(this.#directory)]);
    } catch (cause) {
      // A rename has already replaced the previous file. The sender is notified of a failure, so no file may remain
      // that looks like a saved state.
      await calls.unlink(this.#destination);
      throw cause;
    }
  }

  async discard(): Promise<boolean> {
    this.#discarded = true;
    await this.#committing?.catch(() => undefined);
    if (this.#committed) return false;
    if (this.#open) {
      await unlink(this.#path).catch(() => undefined);
      await this.#close();
    }
    return true;
  }

  async #close(): Promise<void> {
    this.#open = false;
    await Promise.all([this.#file.close(), this.#directory.close()]);
  }
}

/** Opens the directory of the destination in advance, so that `commit` only has to fsync it. */
async function openDirectory(destination: string, file: FileHandle, path: string): Promise<FileHandle> {
  try {
    return await open(dirname(destination), 'r');
  } catch (cause) {
    await file.close();
    await unlink(path);
    throw destinationError(destination, cause, true);
  }
}

/** Creates the `.part` file. Closing it releases its lock. */
async function create(path: string, destination: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    return await open(path, flags, 0o600);
  } catch (cause) {
    if (errnoOf(cause) !== 'EEXIST') throw destinationError(destination, cause, true);
    throw new StubferryError('DESTINATION_UNWRITABLE', 'the temporary file next to the destination already exists', {
      where: path,
      hint: 'another transfer with the same UUID is writing it',
      cause,
    });
  }
}

/**
 * Locks a new `.part` file.
 * @returns the identity of the file, or undefined when another process's sweep removed or locked it between its
 * creation and the lock; the caller then creates the file again
 */
async function lockNew(file: FileHandle, path: string, destination: string): Promise<FileIdentity | undefined> {
  try {
    const locked = tryLock(file.fd);
    const { dev, ino, nlink } = await file.stat();
    return locked && nlink === 1 ? { dev, ino } : undefined;
  } catch (cause) {
    await file.close();
    await unlink(path);
    throw destinationError(destination, cause, true);
  }
}

async function mustBeAbsent(destination: string): Promise<void> {
  const existing = await lstat(destination).catch(() => undefined);
  if (existing === undefined) return;
  throw destinationError(destination, Object.assign(new Error('the destination exists'), { code: 'EEXIST' }), true);
}

/** The unit of the growing retry delay, in milliseconds. It is longer than a sweep holds the lock of a file. */
const SWEEP_MS = 5;

const PART = /^\.(?<name>.+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;

/** Removes the abandoned `.part` files of this destination: those that no process has locked. */
async function sweep(destination: string): Promise<void> {
  const directory = dirname(destination);
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    if (PART.exec(name)?.groups?.['name'] !== basename(destination)) continue;
    const path = join(directory, name);
    const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW).catch(() => undefined);
    if (file === undefined) continue;
    const abandoned = tryLock(file.fd) && (await isSameFile(path, file));
    if (abandoned) await unlink(path).catch(() => undefined);
    await file.close();
  }
}

/** Whether `path` still names the open file. Its owner may have removed it and created another one. */
async function isSameFile(path: string, file: FileHandle): Promise<boolean> {
  const [named, opened] = [await lstat(path).catch(() => undefined), await file.stat()];
  return named?.ino === opened.ino && named.dev === opened.dev;
}
