/** A source that returns the bytes that the test pushes into it. */
import { StubferryError } from '../../../src/base/errors/index.js';
import type { StateSource } from '../../../src/formats/state-source.js';

interface Waiting {
  readonly into: Uint8Array;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

export class PushedSource implements StateSource {
  #bytes: Uint8Array = new Uint8Array(0);
  #ended = false;
  #error: unknown;
  #waiting: Waiting | undefined;
  #taken = 0;
  #closed = 0;

  /** The number of bytes that were read. */
  get taken(): number {
    return this.#taken;
  }

  /** The number of calls of `close()`. */
  get closed(): number {
    return this.#closed;
  }

  push(bytes: string | Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(bytes)]);
    this.#serve();
  }

  end(): void {
    this.#ended = true;
    this.#serve();
  }

  fail(error: unknown): void {
    this.#error = error;
    this.#serve();
  }

  read(into: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting = { into, resolve, reject };
      this.#serve();
    });
  }

  async close(): Promise<void> {
    this.#closed += 1;
    this.fail(new StubferryError('CANCELLED', 'the source was closed'));
  }

  #serve(): void {
    const waiting = this.#waiting;
    const count = Math.min(this.#bytes.length, waiting?.into.length ?? 0);
    if (waiting === undefined || (count === 0 && !this.#ended && this.#error === undefined)) return;
    this.#waiting = undefined;
    if (count === 0 && this.#error !== undefined) {
      waiting.reject(this.#error);
      return;
    }
    waiting.into.set(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.subarray(count);
    this.#taken += count;
    waiting.resolve(count);
  }
}
