/**
 * How fast one domain is listened to. Each look at its request costs a token; there are a few at once, then one in a while. A flood
 * is not refused, it is slowed down: the last request is looked at when there is a token again.
 */
import type { Clock } from '../base/time/index.js';

/** Looks without a wait. A transfer takes two: the request is written, and taken back. So a toolstack may be impatient. */
const BURST = 10;

/** Milliseconds until there is one more. */
const REFILL_MS = 1_000;

export class RateLimiter {
  readonly #clock: Clock;
  readonly #look: () => Promise<void>;
  #tokens = BURST;
  #refilled: number;
  #pending = false;
  #running = false;
  #cancel: (() => void) | undefined;
  #closed = false;

  /** @param look at the request; never more than one at a time, must not reject */
  constructor(clock: Clock, look: () => Promise<void>) {
    this.#clock = clock;
    this.#look = look;
    this.#refilled = clock.now();
  }

  /** There may be a request. */
  notice(): void {
    this.#pending = true;
    this.#go();
  }

  #go(): void {
    if (!this.#pending || this.#running || this.#cancel !== undefined || this.#closed) return;
    this.#refill();
    if (this.#tokens < 1) {
      this.#cancel = this.#clock.after(REFILL_MS, () => {
        this.#cancel = undefined;
        this.#go();
      });
      return;
    }
    this.#tokens -= 1;
    this.#pending = false;
    this.#running = true;
    void this.#look().finally(() => {
      this.#running = false;
      this.#go();
    });
  }

  #refill(): void {
    const now = this.#clock.now();
    const more = Math.floor((now - this.#refilled) / REFILL_MS);
    this.#tokens = Math.min(BURST, this.#tokens + more);
    this.#refilled = this.#tokens === BURST ? now : this.#refilled + more * REFILL_MS;
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }
}
