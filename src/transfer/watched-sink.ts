/**
 * A sink whose calls have deadlines.
 *
 *     begin, data    progressMs    the sender may be waiting for its source, so it does not check this side
 *     commit         commitMs
 *     discard        none          the caller of discard has failed already and applies a limit itself
 *
 * One timer serves the whole transfer, not one timer for each frame: it checks how long the current call has been
 * running.
 */

import { StubferryError } from '../base/errors/index.js';
import { StallTimer } from '../base/time/index.js';
import type { BeginRecord, EndRecord } from '../formats/protocol/records.js';
import type { DataFrame, StateSink } from '../formats/state-sink.js';
import type { Link } from './ring/index.js';

/** Wraps a {@link StateSink}. A call that takes longer than its deadline fails the link with NO_PROGRESS. */
export class WatchedSink implements StateSink {
  readonly #sink: StateSink;
  readonly #link: Link;
  readonly #stall: StallTimer;
  readonly #stop: () => void;
  /** Deadline of the current call, in milliseconds; undefined while no call is running. */
  #limit: number | undefined;

  constructor(sink: StateSink, link: Link) {
    this.#sink = sink;
    this.#link = link;
    this.#stall = new StallTimer(link.clock);
    this.#stop = link.clock.every(link.timeouts.heartbeatMs, () => this.#check());
  }

  begin(begin: BeginRecord): Promise<void> {
    return this.#within(this.#link.timeouts.progressMs, this.#sink.begin(begin));
  }

  data(frame: DataFrame): Promise<void> {
    return this.#within(this.#link.timeouts.progressMs, this.#sink.data(frame));
  }

  commit(end: EndRecord): Promise<void> {
    return this.#within(this.#link.timeouts.commitMs, this.#sink.commit(end));
  }

  discard(): Promise<boolean> {
    return this.#sink.discard();
  }

  /** Stops the timer. The sink stays open: the transfer does not wait for a call that hangs. */
  unwatch(): void {
    this.#stop();
  }

  async #within(ms: number, call: Promise<void>): Promise<void> {
    this.#stall.renew();
    this.#limit = ms;
    try {
      await call;
    } finally {
      this.#limit = undefined;
    }
  }

  #check(): void {
    if (this.#limit === undefined || this.#stall.look() <= this.#limit) return;
    this.#link.fail(
      new StubferryError('NO_PROGRESS', 'the destination does not accept the state', {
        where: this.#link.device.path,
        expected: `every write and commit to finish within ${this.#limit} ms`,
        found: 'still under way',
        hint: 'check the storage, or the program that reads the destination',
      }),
    );
  }
}
