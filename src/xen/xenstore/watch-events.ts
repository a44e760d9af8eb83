/**
 * The events of one watch, on their way to who watches: one after the other, however long each takes him.
 *
 * What came meanwhile is kept once for each path, for so many paths; whoever writes faster than is read cannot make it grow.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Called with the path that changed, which is the watched one or below it. */
export type OnChange = (changed: string) => void | Promise<void>;

const PATHS_MAX = 64;

export class WatchEvents {
  readonly #watched: string;
  readonly #onChange: OnChange;
  readonly #onError: (error: unknown) => void;
  readonly #changed = new Set<string>();
  #busy = false;
  #closed = false;

  constructor(watched: string, onChange: OnChange, onError: (error: unknown) => void) {
    this.#watched = watched;
    this.#onChange = onChange;
    this.#onError = onError;
  }

  push(path: string): void {
    if (this.#changed.size >= PATHS_MAX && !this.#changed.has(path)) {
      // More than can be kept: something changed at or below what is watched.
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
      // What comes in one piece is seen as one.
      await nextTurn();
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
