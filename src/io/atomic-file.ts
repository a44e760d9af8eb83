/**
 * A file that is not there until it is whole.
 *
 *     open      .NAME.<transfer UUID>.part, new, 0600, beside NAME, locked by this process
 *     write     ...
 *     commit    fsync the file; give it its NAME (link: never over a file that came meanwhile; rename with `replace`);
 *               fsync the folder
 *     discard   remove the .part
 *
 * A `.part` without a lock has lost its process: the next save to the same NAME removes it.
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

export interface AtomicFileOptions {
  /** Makes the name of the `.part` unique, and tells whose it is. */
  readonly transferUuid: string;
  /** Whether a file at the destination may be replaced. */
  readonly replace: boolean;
  /** Called just before the file gets its name: from then on a crash leaves it there. */
  readonly onPublish?: ((file: FileIdentity) => void) | undefined;
}

/** Which file it is, under any name. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/** The name of the file that becomes `destination`. */
export function temporaryPath(destination: string, transferUuid: string): string {
  return join(dirname(destination), `.${basename(destination)}.${transferUuid}.part`);
}

export class AtomicFile implements ByteOutput {
  readonly #destination: string;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #folder: FileHandle;
  readonly #identity: FileIdentity;
  readonly #calls: FileCalls;
  readonly #options: AtomicFileOptions;
  #open = true;
  #withdrawn = false;
  #committing: Promise<void> | undefined;
  #committed = false;

  private constructor(
    destination: string,
    path: string,
    file: FileHandle,
    folder: FileHandle,
    identity: FileIdentity,
    calls: FileCalls,
    options: AtomicFileOptions,
  ) {
    this.#destination = destination;
    this.#path = path;
    this.#file = file;
    this.#folder = folder;
    this.#identity = identity;
    this.#calls = calls;
    this.#options = options;
  }

  /** @throws StubferryError DESTINATION_EXISTS, DESTINATION_UNWRITABLE, DESTINATION_FULL */
  static async open(destination: string, options: AtomicFileOptions): Promise<AtomicFile> {
    const { transferUuid, replace } = options;
    if (!replace) await mustBeAbsent(destination);
    await sweep(destination);
    const path = temporaryPath(destination, transferUuid);
    for (let tries = 0; ; tries += 1) {
      const file = await create(path, destination);
      const identity = await claim(file, path, destination);
      if (identity !== undefined) {
        const folder = await openFolder(destination, file, path);
        const calls = (await isInMemory(path).catch(() => false)) ? synchronousCalls : asynchronousCalls;
        return new AtomicFile(destination, path, file, folder, identity, calls, options);
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

  /** A file system that is nearly full writes a part first, and says ENOSPC only to the next attempt. */
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
      if (this.#withdrawn) throw new Error('it was withdrawn before it had its name');
      await this.#publish();
    } catch (cause) {
      // A file that came meanwhile stands in the way of the name, as one that was there at the beginning would.
      throw destinationError(this.#destination, cause, errnoOf(cause) === 'EEXIST');
    }
    this.#committed = true;
    // Neither waited for nor begun before the next turn: the guest may stand still until the word COMMITTED, which comes first.
    setImmediate(() => this.#close().catch(() => undefined));
  }

  /** Gives the file its name. From here on it is to be seen; what cannot be made to last is taken back. */
  async #publish(): Promise<void> {
    const { onPublish, replace } = this.#options;
    const calls = this.#calls;
    onPublish?.(this.#identity);
    await (replace ? calls.rename(this.#path, this.#destination) : calls.link(this.#path, this.#destination));
    try {
      // If the old name comes back after a loss of power, the next save to this destination sweeps it away.
      await Promise.all([replace ? undefined : calls.unlink(this.#path), calls.sync(this.#folder)]);
    } catch (cause) {
      // What was there before a rename is gone in any case. The sender hears of a failure: nothing may look like a state.
      await calls.unlink(this.#destination);
      throw cause;
    }
  }

  async discard(): Promise<boolean> {
    this.#withdrawn = true;
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
    await Promise.all([this.#file.close(), this.#folder.close()]);
  }
}

/** The folder of the destination, opened ahead of the moment in which it is to be made durable. */
async function openFolder(destination: string, file: FileHandle, path: string): Promise<FileHandle> {
  try {
    return await open(dirname(destination), 'r');
  } catch (cause) {
    await file.close();
    await unlink(path);
    throw destinationError(destination, cause, true);
  }
}

/** Makes the `.part`; closing it lets go of its lock. */
async function create(path: string, destination: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    return await open(path, flags, 0o600);
  } catch (cause) {
    if (errnoOf(cause) !== 'EEXIST') throw destinationError(destination, cause, true);
    throw new StubferryError('DESTINATION_UNWRITABLE', 'the temporary file beside the destination exists already', {
      where: path,
      hint: 'another transfer with the same UUID is writing it',
      cause,
    });
  }
}

/**
 * Locks a new `.part`. Another process may be sweeping it away in the moment before: then it is undefined, and to be made
 * again.
 */
async function claim(file: FileHandle, path: string, destination: string): Promise<FileIdentity | undefined> {
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
  const there = await lstat(destination).catch(() => undefined);
  if (there === undefined) return;
  throw destinationError(destination, Object.assign(new Error('it exists'), { code: 'EEXIST' }), true);
}

/** Longer than a sweep holds a file, milliseconds. */
const SWEEP_MS = 5;

const PART = /^\.(?<name>.+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;

/** Removes what killed processes left for this destination: `.part` files of its name that nobody holds. */
async function sweep(destination: string): Promise<void> {
  const folder = dirname(destination);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (PART.exec(name)?.groups?.['name'] !== basename(destination)) continue;
    const path = join(folder, name);
    const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW).catch(() => undefined);
    if (file === undefined) continue;
    const abandoned = tryLock(file.fd) && (await isStill(path, file));
    if (abandoned) await unlink(path).catch(() => undefined);
    await file.close();
  }
}

/** Whether `path` still is the open file: it may have been removed, and made anew by its owner. */
async function isStill(path: string, file: FileHandle): Promise<boolean> {
  const [named, opened] = [await lstat(path).catch(() => undefined), await file.stat()];
  return named?.ino === opened.ino && named.dev === opened.dev;
}
