/**
 * A destination that cannot take anything back (standard output, a FIFO that QEMU reads) gets nothing before the
 * whole state is verified. Until then it lies in a spool: a file without a name, gone with this process.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { StubferryError } from '../base/errors/index.js';
import type { ByteOutput } from '../formats/byte-output.js';
import { destinationError } from './destination-error.js';
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
  #committing: Promise<void> | undefined;
  #withdraw: (error: StubferryError) => void = () => undefined;
  readonly #withdrawn = new Promise<never>((_, reject) => {
    this.#withdraw = reject;
  });

  private constructor(spool: FileHandle, options: SpoolOptions, openStream: () => Promise<StreamOutput>) {
    this.#spool = spool;
    this.#options = options;
    this.#openStream = openStream;
    this.#withdrawn.catch(() => undefined);
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

  commit(): Promise<void> {
    this.#committing = this.#handOn();
    return this.#committing;
  }

  async #handOn(): Promise<void> {
    const stream = await this.#unlessWithdrawn(this.#openStream());
    try {
      await this.#copy(stream);
      // The last byte is handed on: whoever reads cannot tell any more whether this was meant.
      this.#committed = true;
      await stream.end();
    } finally {
      if (!this.#committed) stream.abort();
      await this.#close();
    }
  }

  /** A reader may keep us waiting for ever; whoever withdraws the state shall not. */
  #unlessWithdrawn<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#withdrawn]);
  }

  async #copy(stream: StreamOutput): Promise<void> {
    const buffer = new Uint8Array(Math.min(COPY_BYTES, Math.max(this.#length, 1)));
    for (let copied = 0; copied < this.#length; ) {
      const { bytesRead } = await this.#spool.read(buffer, 0, buffer.length, copied);
      if (bytesRead === 0) throw destinationError('the spool', new Error('shorter than what was written to it'));
      await this.#unlessWithdrawn(stream.write(buffer.subarray(0, bytesRead)));
      copied += bytesRead;
    }
  }

  /** A commit under way is broken off: whatever reads the destination sees it end too early. */
  async discard(): Promise<boolean> {
    this.#withdraw(new StubferryError('CANCELLED', 'the state was withdrawn', { where: 'the destination' }));
    await this.#committing?.catch(() => undefined);
    await this.#close();
    return !this.#committed;
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#spool.close();
  }
}
