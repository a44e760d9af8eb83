/**
 * A destination that cannot take anything back (standard output, a FIFO that QEMU reads) gets nothing before the
 * whole state is verified. Until then it lies in a spool: a file without a name, gone with this process.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { StubferryError } from '../errors/index.js';
import { type ByteOutput, destinationError } from './byte-output.js';
import type { StreamOutput } from './pipe-output.js';

const COPY_BYTES = 1024 * 1024;

export interface SpoolOptions {
  /** Folder for the spool. In a stubdom that is memory. */
  readonly folder: string;
  /** Most bytes in the spool. */
  readonly limit: number;
  /** Makes its name unique for the moment in which it has one. */
  readonly transferUuid: string;
}

export class SpooledOutput implements ByteOutput {
  readonly #spool: FileHandle;
  readonly #options: SpoolOptions;
  readonly #openStream: () => Promise<StreamOutput>;
  #length = 0;
  #closed = false;
  #committed = false;

  private constructor(spool: FileHandle, options: SpoolOptions, openStream: () => Promise<StreamOutput>) {
    this.#spool = spool;
    this.#options = options;
    this.#openStream = openStream;
  }

  /** @param openStream opens the real destination; called at commit. @throws StubferryError DESTINATION_UNWRITABLE */
  static async open(options: SpoolOptions, openStream: () => Promise<StreamOutput>): Promise<SpooledOutput> {
    const path = join(options.folder, `stubferry-spool.${options.transferUuid}`);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    try {
      const spool = await open(path, flags, 0o600);
      await unlink(path);
      return new SpooledOutput(spool, options, openStream);
    } catch (cause) {
      throw destinationError(path, cause, true);
    }
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      if (this.#length + chunk.length > this.#options.limit) throw this.#tooLarge();
      for (let done = 0; done < chunk.length; ) {
        const { bytesWritten } = await this.#spool
          .write(chunk, done, chunk.length - done, this.#length + done)
          .catch((cause: unknown) => {
            throw destinationError(`the spool in ${this.#options.folder}`, cause);
          });
        done += bytesWritten;
      }
      this.#length += chunk.length;
    }
  }

  #tooLarge(): StubferryError {
    return new StubferryError('LIMIT_EXCEEDED', 'the state is larger than the spool may be', {
      where: this.#options.folder,
      expected: `at most ${this.#options.limit} bytes`,
      found: 'more',
      hint: 'raise --spool-limit, or restore into a regular file',
    });
  }

  async commit(): Promise<void> {
    const stream = await this.#openStream();
    const buffer = new Uint8Array(Math.min(COPY_BYTES, Math.max(this.#length, 1)));
    for (let copied = 0; copied < this.#length; ) {
      const { bytesRead } = await this.#spool.read(buffer, 0, buffer.length, copied);
      if (bytesRead === 0)
        throw destinationError('the spool', new Error('shorter than what was written to it'));
      await stream.write(buffer.subarray(0, bytesRead));
      copied += bytesRead;
    }
    await stream.end();
    this.#committed = true;
    await this.#close();
  }

  async discard(): Promise<boolean> {
    await this.#close();
    return !this.#committed;
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#spool.close();
  }
}
