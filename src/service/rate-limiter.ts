/**
 * A token bucket that limits how often the service handles the requests of one domain. Each handled request takes a
 * token. The bucket holds a few tokens and gets a new one at a fixed interval. A flood of requests is delayed, not
 * rejected: the limiter handles the last request when the next token is available.
 */
import type { Clock } from '../base/time/index.js';

/**
 * The number of tokens in a full bucket. One transfer takes two tokens, because the stubdom writes its request and
 * removes it, so this allows some quick retries of a toolstack.
 */
const BURST = 10;

/** The interval between two new tokens, in milliseconds. */
const REFILL_MS = 1_000;

/** Limits how often the requests of one domain are handled. */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #handle: () => Promise<void>;
  #tokens = BURST;
  #refilled: number;
  #pending = false;
  #running = false;
  #cancel: (() => void) | undefined;
  #closed = false;

  /** @param handle handles the present request. It is never called twice at the same time, and must not reject. */
  constructor(clock: Clock, handle: () => Promise<void>) {
    this.#clock = clock;
    this.#handle = handle;
    this.#refilled = clock.now();
  }

  /** Reports that there may be a new request. */
  trigger(): void {
    this.#pending = true;
    this.#handleIfAllowed();
  }

  #handleIfAllowed(): void {
    if (!this.#pending || this.#running || this.#cancel !== undefined || this.#closed) return;
    this.#refill();
    if (this.#tokens < 1) {
      this.#cancel = this.#clock.after(REFILL_MS, () => {
        this.#cancel = undefined;
        this.#handleIfAllowed();
      });
      return;
    }
    this.#tokens -= 1;
    this.#pending = false;
    this.#running = true;
    void this.#handle().finally(() => {
      this.#running = false;
      this.#handleIfAllowed();
    });
  }

  #refill(): void {
    const now = this.#clock.now();
    const more = Math.floor((now - this.#refilled) / REFILL_MS);
    this.#tokens = Math.min(BURST, this.#tokens + more);
    this.#refilled = this.#tokens === BURST ? now : this.#refilled + more * REFILL_MS;
  }

  /** Stops the limiter: it handles no further requests. */
  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }
}
