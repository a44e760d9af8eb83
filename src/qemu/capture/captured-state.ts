/**
 * A state that QEMU is writing, combined with QEMU's own completion.
 *
 *     bytes ... end of file  --and-->  QEMU: success     the end of the state
 *     bytes ... end of file  --but-->  QEMU: error       an error, whatever bytes arrived
 *     QEMU: success, but no end of file                  an error: QEMU wrote the state elsewhere
 *
 * A raw state does not contain its length: the state of a QEMU that dies in the middle may look complete. Therefore the
 * end of the file alone does not end the state.
 */

import { StubferryError } from '../../base/errors/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
import type { StateSource } from '../../formats/state-source.js';
import { drain } from './drain.js';

/** Options of {@link CapturedState}. */
export interface CapturedStateOptions {
  /** The path of the FIFO or socket, for messages. */
  readonly where: string;
  /**
   * How long QEMU may go without writing a byte, and how long its reply may take after the last byte, in milliseconds.
   */
  readonly stallMs: number;
  /** Makes QEMU cancel what it still writes. Without it, `close()` lets QEMU finish and discards the bytes. */
  readonly cancel?: () => Promise<void>;
  /** Called by `close()` when QEMU did not finish in time, before the reading end is closed. */
  readonly onStuck?: () => Promise<void>;
}

/** The source of a state that QEMU is writing. */
export class CapturedState implements StateSource {
  readonly #pipe: StateSource;
  readonly #options: CapturedStateOptions;
  /** Resolves when QEMU has replied, with success or an error. Never rejects. */
  readonly #completion: Promise<unknown>;
  #timer: NodeJS.Timeout | undefined;
  #completed = false;
  #reading = false;
  #error: unknown;
  #reject: (error: unknown) => void = () => undefined;

  /** @param saved the reply of QEMU: resolves when QEMU has written all of the state, rejects with QEMU's error */
  constructor(pipe: StateSource, saved: Promise<void>, options: CapturedStateOptions) {
    this.#pipe = pipe;
    this.#options = options;
    this.#completion = saved.then(
      () => {
        this.#completed = true;
        if (this.#reading) this.#watch();
      },
      (error: unknown) => {
        this.#completed = true;
        this.#fail(error);
      },
    );
  }

  /** Whether QEMU has replied, and so has stopped writing. */
  get isFinished(): boolean {
    return this.#completed;
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
    if (!this.#completed) this.#watch();
    await this.#completion;
    if (this.#error !== undefined) throw this.#error;
    return 0;
  }

  /**
   * Starts the timer of a read. There is no limit between reads, because QEMU does not cause a delay of the receiver.
   */
  #watch(): void {
    clearTimeout(this.#timer);
    const [limit, error] = this.#completed ? [TIMEOUTS.captureSettle, elsewhere] : [this.#options.stallMs, stalled];
    this.#timer = setTimeout(() => this.#fail(error(this.#options)), limit);
  }

  #fail(error: unknown): void {
    this.#error ??= error;
    clearTimeout(this.#timer);
    this.#reject(this.#error);
  }

  /**
   * Closes the source. While QEMU still writes, its bytes are read and discarded, so that QEMU finishes and serves QMP
   * again.
   */
  async close(): Promise<void> {
    // A pending read of the pipe may never settle.
    this.#reading = false;
    clearTimeout(this.#timer);
    this.#reject(new StubferryError('CANCELLED', 'the source was closed', { where: this.#options.where }));
    if (!this.#completed) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, TIMEOUTS.captureAbandon);
      });
      await Promise.race([this.#abandon(), late]);
      clearTimeout(timer);
    }
    if (!this.#completed) await this.#options.onStuck?.();
    await this.#pipe.close();
  }

  async #abandon(): Promise<void> {
    void drain(this.#pipe);
    await this.#options.cancel?.().catch(() => undefined);
    await this.#completion;
  }
}

function stalled({ where, stallMs }: CapturedStateOptions): StubferryError {
  return new StubferryError('QMP_TIMEOUT', 'QEMU does not write its state', {
    where,
    expected: `a byte or a reply within ${stallMs} ms`,
    found: 'neither',
    hint: "QEMU's main loop is busy or stuck: check its log and the storage of the guest",
  });
}

function elsewhere({ where }: CapturedStateOptions): StubferryError {
  return new StubferryError('CAPTURE_LOST', 'QEMU reports a complete save, but the end of the state did not arrive', {
    where,
    expected: 'the end of the state before the reply or soon after it',
    found: 'only the reply',
    hint: 'check whether the FIFO was removed or replaced, and save again',
  });
}
