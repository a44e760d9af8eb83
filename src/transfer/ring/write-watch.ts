/**
 * Write notifications of the disk, where the medium provides them: a file that both agents open, or a loop device over
 * dom0's file.
 *
 * Each link has one watch, which starts before the link waits for anything. Starting a watch takes Node 0.5 ms. A watch
 * for each wait would take that time from the processor on which the other agent is working, in the middle of a small
 * state.
 */
import type { BlockDevice } from '../../blockdev-utils/index.js';

/** Counts the writes to a disk and calls subscribers for each one. */
export class WriteWatch {
  readonly #subscribers = new Set<() => void>();
  readonly #stop: () => void;
  #count = 0;

  private constructor(watch: NonNullable<BlockDevice['watch']>) {
    this.#stop = watch(() => {
      this.#count += 1;
      for (const onWrite of this.#subscribers) onWrite();
    });
  }

  /** Starts the watch. Returns undefined when the medium provides no write notifications. */
  static over(device: BlockDevice): WriteWatch | undefined {
    const watch = device.watch?.bind(device);
    return watch === undefined ? undefined : new WriteWatch(watch);
  }

  /**
   * The number of notifications so far; one notification can stand for a group of writes. A caller compares it between
   * two polls, so that it misses no write between them.
   */
  get count(): number {
    return this.#count;
  }

  /** Calls `onWrite` for each notification until the returned function is called. */
  subscribe(onWrite: () => void): () => void {
    this.#subscribers.add(onWrite);
    return () => void this.#subscribers.delete(onWrite);
  }

  /** Stops the watch. */
  close(): void {
    this.#stop();
  }
}
