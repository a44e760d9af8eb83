/**
 * A source that decompresses gzip while it is read.
 *
 * It does not limit the decompressed size: the limit for the size of a state does.
 */
import { once } from 'node:events';
import { createGunzip, type Gunzip } from 'node:zlib';
import { errnoOf, messageOf, StubferryError } from '../base/errors/index.js';
import type { StateSource } from '../formats/state-source.js';

const CHUNK = 64 * 1024;

/** Decompresses a gzip source with Node's zlib. */
export class GunzipSource implements StateSource {
  readonly #source: StateSource;
  readonly #gunzip: Gunzip = createGunzip();
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #path: string;
  #rest: Uint8Array = new Uint8Array(0);
  #consumed = 0;

  /** @param path the name of the input, for error messages */
  constructor(source: StateSource, path: string) {
    this.#source = source;
    this.#path = path;
    this.#chunks = this.#gunzip[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    // The next read reports an error. An error before that read must not end this process as an unhandled event.
    this.#gunzip.on('error', () => undefined);
    this.#feed().catch((error: unknown) => {
      this.#gunzip.destroy(StubferryError.from(error));
    });
  }

  async #feed(): Promise<void> {
    const buffer = new Uint8Array(CHUNK);
    for (;;) {
      const count = await this.#source.read(buffer);
      if (this.#gunzip.destroyed) return;
      if (count === 0) break;
      this.#consumed += count;
      // zlib keeps the chunk until it is decompressed, so it gets a copy.
      if (!this.#gunzip.write(Uint8Array.from(buffer.subarray(0, count)))) await once(this.#gunzip, 'drain');
    }
    this.#gunzip.end();
  }

  async read(into: Uint8Array): Promise<number> {
    if (this.#rest.length === 0) {
      const next = await this.#chunks.next().catch((cause: unknown) => {
        throw this.#damaged(cause);
      });
      if (next.done === true) return 0;
      this.#rest = next.value;
    }
    const count = Math.min(this.#rest.length, into.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  #damaged(cause: unknown): unknown {
    if (cause instanceof StubferryError) return cause;
    const isTruncated = errnoOf(cause) === 'Z_BUF_ERROR';
    const message = `the gzip stream is ${isTruncated ? 'truncated' : 'corrupt'}`;
    return new StubferryError(isTruncated ? 'TRUNCATED' : 'CORRUPT', message, {
      where: this.#path,
      found: messageOf(cause),
      cause,
    });
  }

  async close(): Promise<void> {
    this.#gunzip.destroy();
    await this.#source.close();
  }
}
