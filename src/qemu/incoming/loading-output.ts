/** The destination of a restore into QEMU. The state counts as delivered when QEMU reports that it has loaded it. */

import { atMost, systemClock } from '../../base/time/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
import type { ByteOutput } from '../../formats/byte-output.js';
import type { IncomingQemu } from './incoming-qemu.js';

/** A byte output to QEMU whose commit waits until QEMU has loaded the state. */
export class LoadingOutput implements ByteOutput {
  readonly #feed: ByteOutput;
  readonly #qemu: IncomingQemu;
  readonly #onLoaded: (guest: string) => void;
  #loaded = false;

  /**
   * @param feed the stream that QEMU reads
   * @param onLoaded receives the run state of the guest after the load
   */
  constructor(feed: ByteOutput, qemu: IncomingQemu, onLoaded: (guest: string) => void) {
    this.#feed = feed;
    this.#qemu = qemu;
    this.#onLoaded = onLoaded;
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#feed.write(chunks);
  }

  /** @throws StubferryError LOAD_FAILED, or the error of the stream to QEMU */
  async commit(): Promise<void> {
    const feeding = this.#feed.commit();
    const loading = this.#qemu.untilLoaded();
    let isFinal = false;
    const onFinal = (): void => {
      isFinal = true;
    };
    loading.then(onFinal, onFinal);
    try {
      await Promise.race([feeding, loading]);
    } catch (error) {
      // QEMU's own reason is better than the error of the broken pipe. A QEMU that has loaded the state may also close
      // the stream before its end.
      await atMost(systemClock, TIMEOUTS.loadFinalStatus, loading);
      if (!isFinal) throw error;
    }
    this.#onLoaded(await loading);
    this.#loaded = true;
    await atMost(systemClock, TIMEOUTS.loadFinalStatus, feeding);
  }

  /** QEMU cannot undo a load: it sees the end of the incomplete stream and exits. */
  async discard(): Promise<boolean> {
    await this.#feed.discard();
    return !this.#loaded;
  }
}
