/**
 * A state that QEMU is writing, with QEMU's own word for its end.
 *
 *     bytes ... end of file  --and-->  QEMU: done     the end of the state
 *     bytes ... end of file  --but-->  QEMU: error    an error, whatever came
 *     QEMU: done, and nothing comes                   an error: it went elsewhere
 *
 * A bare state does not say where it ends: a QEMU that dies in the middle leaves one that may look whole. So the end of the
 * file alone is not believed.
 */
import { StubferryError } from '../../base/errors/index.js';
import type { StateSource } from '../../formats/state-source.js';
import { drain } from './drain.js';

export interface CapturedStateOptions {
  /** For messages. */
  readonly where: string;
  /** How long QEMU may write nothing, and how long it may take for its word after the last byte, milliseconds. */
  readonly stallMs: number;
  /** Has QEMU give up what it still writes. Without it QEMU is let to finish, into nothing. */
  readonly cancel?: () => Promise<void>;
  /** Called when QEMU has not come to its end in spite of all, before its reader goes. */
  readonly onStuck?: () => Promise<void>;
}

/** From QEMU's word to the end of the file, milliseconds: QEMU closes the file before it answers. */
const SETTLE_MS = 2_000;

/** For a QEMU that is not wanted any more to come to an end, milliseconds. */
const ABANDON_MS = 10_000;

export class CapturedState implements StateSource {
  readonly #pipe: StateSource;
  readonly #options: CapturedStateOptions;
  /** QEMU's word, as a value: never rejects. */
  readonly #word: Promise<unknown>;
  #timer: NodeJS.Timeout | undefined;
  #spoken = false;
  #reading = false;
  #error: unknown;
  #reject: (error: unknown) => void = () => undefined;

  /** @param saved QEMU's word: resolves when it has written all, rejects with why not. */
  constructor(pipe: StateSource, saved: Promise<void>, options: CapturedStateOptions) {
    this.#pipe = pipe;
    this.#options = options;
    this.#word = saved.then(
      () => {
        this.#spoken = true;
        if (this.#reading) this.#watch();
      },
      (error: unknown) => {
        this.#spoken = true;
        this.#fail(error);
      },
    );
  }

  /** Whether QEMU has given its word, and so does not write any more. */
  get isOver(): boolean {
    return this.#spoken;
  }

  /** @throws StubferryError QEMU_REFUSED, QEMU_GONE, QMP_TIMEOUT, CAPTURE_LOST */
  read(into: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) throw this.#error;
      this.#reject = reject;
      this.#reading = true;
      this.#watch();
      this.#pipe
        .read(into)
        .then((count) => (count > 0 ? count : this.#end()))
        .finally(() => {
          this.#reading = false;
          clearTimeout(this.#timer);
        })
        .then(resolve, reject);
    });
  }

  async #end(): Promise<number> {
    if (!this.#spoken) this.#watch();
    await this.#word;
    if (this.#error !== undefined) throw this.#error;
    return 0;
  }

  /** Limits the time of a read. Between reads there is no limit: a sender that waits for its receiver is not QEMU's fault. */
  #watch(): void {
    clearTimeout(this.#timer);
    const [limit, error] = this.#spoken ? [SETTLE_MS, elsewhere] : [this.#options.stallMs, stalled];
    this.#timer = setTimeout(() => this.#fail(error(this.#options)), limit);
  }

  #fail(error: unknown): void {
    this.#error ??= error;
    clearTimeout(this.#timer);
    this.#reject(this.#error);
  }

  /** Lets go of it. While QEMU still writes, what it writes is taken and dropped, so that it comes to its end and answers again. */
  async close(): Promise<void> {
    // A read that was under way may never settle.
    this.#reading = false;
    clearTimeout(this.#timer);
    this.#reject(new StubferryError('CANCELLED', 'the source was closed', { where: this.#options.where }));
    if (!this.#spoken) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ABANDON_MS);
      });
      await Promise.race([this.#abandon(), late]);
      clearTimeout(timer);
    }
    if (!this.#spoken) await this.#options.onStuck?.();
    await this.#pipe.close();
  }

  async #abandon(): Promise<void> {
    void drain(this.#pipe);
    await this.#options.cancel?.().catch(() => undefined);
    await this.#word;
  }
}

function stalled({ where, stallMs }: CapturedStateOptions): StubferryError {
  return new StubferryError('QMP_TIMEOUT', 'QEMU does not write its state', {
    where,
    expected: `a byte, or its reply, within ${stallMs} ms`,
    found: 'neither',
    hint: 'its main loop is busy or stuck: look at its log, and at the storage of the guest',
  });
}

function elsewhere({ where }: CapturedStateOptions): StubferryError {
  return new StubferryError('CAPTURE_LOST', 'QEMU says that it has saved, but its state did not come to its end here', {
    where,
    expected: 'the end of the state, before the reply or soon after it',
    found: 'the reply alone',
    hint: 'was the FIFO removed or replaced? Save again',
  });
}
