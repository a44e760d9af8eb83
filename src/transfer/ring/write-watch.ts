/**
 * Being told that somebody wrote to the disk, where the medium can tell: a file that both agents share, a loop device over dom0's.
 *
 * One for the life of a link, begun before there is anything to wait for: to begin takes Node 0.5 ms, and each wait that began one for
 * itself took that from the processor on which the other agent was at work, in the middle of a small state.
 */
import type { BlockDevice } from '../../blockdev-utils/index.js';

export class WriteWatch {
  readonly #told = new Set<() => void>();
  readonly #stop: () => void;
  #count = 0;

  private constructor(watch: NonNullable<BlockDevice['watch']>) {
    this.#stop = watch(() => {
      this.#count += 1;
      for (const told of this.#told) told();
    });
  }

  /** Begins; undefined where the medium does not tell. */
  static over(device: BlockDevice): WriteWatch | undefined {
    const watch = device.watch?.bind(device);
    return watch === undefined ? undefined : new WriteWatch(watch);
  }

  /** Writes, or groups of them, that were told so far: one that came between two looks is not to be missed. */
  get count(): number {
    return this.#count;
  }

  /** Calls `told` for each from now on, until what is returned is called. */
  tell(told: () => void): () => void {
    this.#told.add(told);
    return () => void this.#told.delete(told);
  }

  close(): void {
    this.#stop();
  }
}
