/** A regular file as the source of a state. */
import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf, StubferryError } from '../errors/index.js';
import type { StateSource } from '../transfer/index.js';

export class FileSource implements StateSource {
  readonly #file: FileHandle;
  readonly #path: string;

  private constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** @throws StubferryError INPUT_UNREADABLE */
  static async open(path: string): Promise<FileSource> {
    try {
      return new FileSource(await open(path, 'r'), path);
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }

  async read(into: Uint8Array): Promise<number> {
    try {
      return (await this.#file.read(into, 0, into.length)).bytesRead;
    } catch (cause) {
      throw unreadable(this.#path, cause);
    }
  }

  /** Reads from a place of its own, without moving where {@link read} stands; short only at the end. */
  async readAt(into: Uint8Array, offset: number): Promise<number> {
    try {
      return (await this.#file.read(into, 0, into.length, offset)).bytesRead;
    } catch (cause) {
      throw unreadable(this.#path, cause);
    }
  }

  /** Bytes. */
  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** The error for a source that cannot be opened or read. */
export function unreadable(path: string, cause: unknown): StubferryError {
  return new StubferryError('INPUT_UNREADABLE', 'cannot read the input', {
    where: path,
    found: errnoOf(cause) ?? String(cause),
    cause,
  });
}
