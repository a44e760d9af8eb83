/**
 * An output that holds a state in a spool until the state is complete and verified.
 *
 * It serves destinations whose data cannot be undone, such as standard output or a FIFO that QEMU reads. The spool is a
 * file without a name, so it disappears when this process ends.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { StubferryError } from '../base/errors/index.js';
import type { ByteOutput } from '../formats/byte-output.js';
import { destinationError } from './destination-error.js';
import type { StreamOutput } from './pipe-output.js';

const COPY_BYTES = 1024 * 1024;

/** The options of {@link SpooledOutput.open}. */
export interface SpoolOptions {
  /** The directory of the spool. In a stubdom it is in memory. */
  readonly directory: string;
  /** The maximum size of the spool, in bytes. */
  readonly limit: number;
  /**
   * The UUID of the transfer. It makes the name of the spool unique during the short time in which the spool has one.
   */
  readonly transferUuid: string;
}

/** Spools a state and copies it to its destination at commit. */
export class SpooledOutput implements ByteOutput {
  readonly #spool: FileHandle;
  readonly #options: SpoolOptions;
  readonly #openStream: () => Promise<StreamOutput>;
  #length = 0;
  #closed = false;
  #committed = false;
  #committing: Promise<void> | undefined;
  #cancel: (error: StubferryError) => void = () => undefined;
  readonly #cancelled = new Promise<never>((_, reject) => {
    this.#cancel = reject;
  });

  private constructor(spool: FileHandle, options: SpoolOptions, openStream: () => Promise<StreamOutput>) {
    this.#spool = spool;
    this.#options = options;
    this.#openStream = openStream;
    this.#cancelled.catch(() => undefined);
  }

  /**
   * Creates the spool.
   * @param openStream opens the destination; called at commit
   * @throws StubferryError DESTINATION_UNWRITABLE: when the spool cannot be created
   */
  static async open(options: SpoolOptions, openStream: () => Promise<StreamOutput>): Promise<SpooledOutput> {
    const path = join(options.directory, `stubferry-spool.${options.transferUuid}`);
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
            throw destinationError(`the spool in ${this.#options.directory}`, cause);
          });
        done += bytesWritten;
      }
      this.#length += chunk.length;
    }
  }

  #tooLarge(): StubferryError {
    return new StubferryError('LIMIT_EXCEEDED', 'the state is larger than the spool limit', {
      where: this.#options.directory,
      expected: `at most ${this.#options.limit} bytes`,
      found: 'more',
      hint: 'raise --spool-limit, or restore into a regular file',
    });
  }

  commit(): Promise<void> {
    this.#committing = this.#commit();
    return this.#committing;
  }

  async #commit(): Promise<void> {
    const stream = await this.#unlessCancelled(this.#openStream());
    try {
      await this.#copy(stream);
      // The reader may have received the last byte, so the state cannot be withdrawn from here on.
      this.#committed = true;
      await stream.end();
    } finally {
      if (!this.#committed) stream.abort();
      await this.#close();
    }
  }

  /** Waits for `work`, or rejects when the output is discarded: a reader may block the destination without limit. */
  #unlessCancelled<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#cancelled]);
  }

  async #copy(stream: StreamOutput): Promise<void> {
    const buffer = new Uint8Array(Math.min(COPY_BYTES, Math.max(this.#length, 1)));
    for (let copied = 0; copied < this.#length; ) {
      const { bytesRead } = await this.#spool.read(buffer, 0, buffer.length, copied);
      if (bytesRead === 0)
        throw destinationError('the spool', new Error('the spool is shorter than the data written to it'));
      await this.#unlessCancelled(stream.write(buffer.subarray(0, bytesRead)));
      copied += bytesRead;
    }
  }

  /** Cancels a commit in progress: the reader of the destination then receives a truncated state. */
  async discard(): Promise<boolean> {
    this.#cancel(new StubferryError('CANCELLED', 'the output was discarded', { where: 'the destination' }));
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
