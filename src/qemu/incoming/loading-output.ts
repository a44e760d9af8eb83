/** The destination of a restore into QEMU: the state counts as handed on when QEMU says that it has loaded it. */
import { atMost, systemClock } from '../../base/time/index.js';
import type { ByteOutput } from '../../formats/byte-output.js';
import type { IncomingQemu } from './incoming-qemu.js';

/** A QEMU that refuses a state closes its end first and ends after that: for its words, milliseconds. */
const LAST_WORDS_MS = 2_000;

export class LoadingOutput implements ByteOutput {
  readonly #feed: ByteOutput;
  readonly #qemu: IncomingQemu;
  readonly #onLoaded: (guest: string) => void;
  #loaded = false;

  /** @param feed what QEMU reads. @param onLoaded told what the guest does after the load */
  constructor(feed: ByteOutput, qemu: IncomingQemu, onLoaded: (guest: string) => void) {
    this.#feed = feed;
    this.#qemu = qemu;
    this.#onLoaded = onLoaded;
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#feed.write(chunks);
  }

  /** @throws StubferryError LOAD_FAILED, or why QEMU could not be fed */
  async commit(): Promise<void> {
    const feeding = this.#feed.commit();
    const loading = this.#qemu.untilLoaded();
    let spoken = false;
    const speaks = (): void => {
      spoken = true;
    };
    loading.then(speaks, speaks);
    try {
      await Promise.race([feeding, loading]);
    } catch (error) {
      // A QEMU that gives up says more than the pipe that it left; and what it has loaded, it need not read to the end.
      await atMost(systemClock, LAST_WORDS_MS, loading);
      if (!spoken) throw error;
    }
    this.#onLoaded(await loading);
    this.#loaded = true;
    await atMost(systemClock, LAST_WORDS_MS, feeding);
  }

  /** What QEMU has begun to load cannot be taken back: it sees the end of it and ends. */
  async discard(): Promise<boolean> {
    await this.#feed.discard();
    return !this.#loaded;
  }
}
