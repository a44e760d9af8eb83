/**
 * A sink whose destination has deadlines.
 *
 *     begin, data    progressMs    the sender may be waiting for its source meanwhile, and does not look at how far we are
 *     commit         commitMs
 *     discard        none          who discards has failed already: DISCARD_MS is up to him
 *
 * One timer for a transfer, none for a frame: it only looks at how long the call that is under way has been so.
 */

import { StubferryError } from '../base/errors/index.js';
import { StallTimer } from '../base/time/index.js';
import type { BeginRecord, EndRecord } from '../formats/protocol/records.js';
import type { DataFrame, StateSink } from '../formats/state-sink.js';
import type { Link } from './ring/index.js';

/** The link does not survive a call that takes longer than it may: NO_PROGRESS. */
export class WatchedSink implements StateSink {
  readonly #sink: StateSink;
  readonly #link: Link;
  readonly #stall: StallTimer;
  readonly #stop: () => void;
  /** Of the call that is under way, milliseconds. */
  #limit: number | undefined;

  constructor(sink: StateSink, link: Link) {
    this.#sink = sink;
    this.#link = link;
    this.#stall = new StallTimer(link.clock);
    this.#stop = link.clock.every(link.timeouts.heartbeatMs, () => this.#look());
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

  /** Ends the watch, not the sink: a call that hangs is not waited for any longer. */
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

  #look(): void {
    if (this.#limit === undefined || this.#stall.look() <= this.#limit) return;
    this.#link.fail(
      new StubferryError('NO_PROGRESS', 'the destination does not take the state', {
        where: this.#link.device.path,
        expected: `what is written to be taken, made durable or handed on within ${this.#limit} ms`,
        found: 'still under way',
        hint: 'look at the storage, or at the program that reads the destination',
      }),
    );
  }
}
