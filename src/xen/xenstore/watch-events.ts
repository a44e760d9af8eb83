/**
 * Delivers the events of one watch to its handler, one after the other, however long the handler takes.
 *
 * While the handler runs, each changed path is kept once, up to a limit of paths. A writer that is faster than the
 * handler cannot make the memory grow.
 */
import { setImmediate as nextEventLoopTurn } from 'node:timers/promises';

/** Called with the changed path, which is the watched path or a path below it. */
export type OnChange = (changed: string) => void | Promise<void>;

const PATHS_MAX = 64;

/** Queues and delivers the events of one watch. */
export class WatchEvents {
  readonly #watched: string;
  readonly #onChange: OnChange;
  readonly #onError: (error: unknown) => void;
  readonly #changed = new Set<string>();
  #busy = false;
  #closed = false;

  /** @param onError called when the handler throws; no event is delivered afterwards */
  constructor(watched: string, onChange: OnChange, onError: (error: unknown) => void) {
    this.#watched = watched;
    this.#onChange = onChange;
    this.#onError = onError;
  }

  push(path: string): void {
    if (this.#changed.size >= PATHS_MAX && !this.#changed.has(path)) {
      // More changes than can be kept: the event for the watched path stands for all of them.
      this.#changed.clear();
      this.#changed.add(this.#watched);
    } else {
      this.#changed.add(path);
    }
    if (!this.#busy) void this.#deliver();
  }

  close(): void {
    this.#closed = true;
  }

  async #deliver(): Promise<void> {
    this.#busy = true;
    try {
      // Events that arrive together are delivered as one.
      await nextEventLoopTurn();
      for (const path of this.#changed) {
        if (this.#closed) return;
        this.#changed.delete(path);
        await this.#onChange(path);
      }
      this.#busy = false;
    } catch (error) {
      this.#onError(error);
    }
  }
}
