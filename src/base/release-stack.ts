/**
 * Resources that must be released in the reverse order of their acquisition, whatever happens.
 *
 *     acquire A, acquire B, acquire C  ...  release C, release B, release A
 *
 * It does what `AsyncDisposableStack` does, which Node 20 does not have, with one difference: a resource whose release
 * fails does not keep the others from being released, and does not replace the error that led to the release. Such
 * failures are reported to a callback.
 */

/** Called for each resource that could not be released. Must not throw. */
export type OnReleaseFailure = (resource: string, cause: unknown) => void;

interface Entry {
  readonly resource: string;
  readonly release: () => Promise<unknown>;
}

export class ReleaseStack {
  readonly #onFailure: OnReleaseFailure;
  readonly #entries: Entry[] = [];
  #releasing: Promise<void> | undefined;

  constructor(onFailure: OnReleaseFailure) {
    this.#onFailure = onFailure;
  }

  /**
   * Registers a resource that was just acquired. When the release has begun already, the resource is released
   * immediately.
   * @param resource its name in a log message, for example `the transfer disk`
   */
  add(resource: string, release: () => Promise<unknown>): void {
    this.#entries.push({ resource, release });
    if (this.#releasing !== undefined) this.#releasing = this.#releasing.then(() => this.#releaseAll());
  }

  /** Releases everything, the last resource first. Never rejects; a second call waits for the same release. */
  release(): Promise<void> {
    this.#releasing ??= this.#releaseAll();
    return this.#releasing;
  }

  async #releaseAll(): Promise<void> {
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      try {
        await entry.release();
      } catch (cause) {
        this.#onFailure(entry.resource, cause);
      }
    }
  }
}
