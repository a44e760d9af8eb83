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
import { type FileHandle, link, lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { lockExclusive, tryLock } from '../blockdev-utils/index.js';
import { errnoOf, StubferryError } from '../errors/index.js';
import { type ByteOutput, destinationError } from './byte-output.js';

export interface PartFileOptions {
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
export function partPath(destination: string, transferUuid: string): string {
  return join(dirname(destination), `.${basename(destination)}.${transferUuid}.part`);
}

export class PartFile implements ByteOutput {
  readonly #destination: string;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #identity: FileIdentity;
  readonly #options: PartFileOptions;
  #open = true;
  #withdrawn = false;
  #committing: Promise<void> | undefined;
  #committed = false;

  private constructor(
    destination: string,
    path: string,
    file: FileHandle,
    identity: FileIdentity,
    options: PartFileOptions,
  ) {
    this.#destination = destination;
    this.#path = path;
    this.#file = file;
    this.#identity = identity;
    this.#options = options;
  }

  /** @throws StubferryError DESTINATION_EXISTS, DESTINATION_UNWRITABLE, DESTINATION_FULL */
  static async open(destination: string, options: PartFileOptions): Promise<PartFile> {
    const { transferUuid, replace } = options;
    if (!replace) await mustBeAbsent(destination);
    await sweep(destination);
    const path = partPath(destination, transferUuid);
    // Another process may sweep the file away in the moment before it is locked: then it is made again.
    for (;;) {
      const file = await create(path, destination);
      const locked = tryLock(file.fd);
      const { dev, ino, nlink } = await file.stat();
      if (locked && nlink === 1) return new PartFile(destination, path, file, { dev, ino }, options);
      await file.close();
    }
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    try {
      const { bytesWritten } = await this.#file.writev(chunks);
      if (bytesWritten < length) await this.#writeRest(chunks, bytesWritten);
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
      await this.#file.sync();
      if (this.#withdrawn) throw new Error('it was withdrawn before it had its name');
      await this.#publish();
    } catch (cause) {
      // A file that came meanwhile stands in the way of the name, as one that was there at the beginning would.
      throw destinationError(this.#destination, cause, errnoOf(cause) === 'EEXIST');
    }
    this.#committed = true;
    await this.#close();
  }

  /** Gives the file its name. From here on it is to be seen; what cannot be made to last is taken back. */
  async #publish(): Promise<void> {
    this.#options.onPublish?.(this.#identity);
    if (this.#options.replace) {
      await rename(this.#path, this.#destination);
      // What was there before is gone: this cannot be taken back, even if it should not last.
      this.#committed = true;
      await syncFolder(dirname(this.#destination));
      return;
    }
    await link(this.#path, this.#destination);
    try {
      await unlink(this.#path);
      await syncFolder(dirname(this.#destination));
    } catch (cause) {
      await unlink(this.#destination);
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
    await this.#file.close();
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

async function mustBeAbsent(destination: string): Promise<void> {
  const there = await lstat(destination).catch(() => undefined);
  if (there === undefined) return;
  throw destinationError(destination, Object.assign(new Error('it exists'), { code: 'EEXIST' }), true);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const PART = /^\.(?<name>.+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;

/** Removes what killed processes left for this destination: `.part` files of its name that nobody holds. */
async function sweep(destination: string): Promise<void> {
  const folder = dirname(destination);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (PART.exec(name)?.groups?.['name'] !== basename(destination)) continue;
    const path = join(folder, name);
    const lock = await lockExclusive(path).catch(() => undefined);
    if (lock === undefined) continue;
    await unlink(path).catch(() => undefined);
    await lock.release();
  }
}
