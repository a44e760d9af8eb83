/**
 * The deadline of whatever the destination is asked for.
 *
 *     begin, data    progressMs    the sender may be waiting for its source meanwhile, and does not look at how far we are
 *     commit         commitMs
 *
 * One timer for a transfer, none for a frame: it only looks at how long the call that is under way has been so.
 */
import { type Link, Patience } from '../channel/index.js';
import { StubferryError } from '../errors/index.js';

export class DestinationWatch {
  readonly #link: Link;
  readonly #patience: Patience;
  readonly #stop: () => void;
  /** Of the call that is under way, milliseconds. */
  #limit: number | undefined;

  constructor(link: Link) {
    this.#link = link;
    this.#patience = new Patience(link.clock);
    this.#stop = link.clock.every(link.timeouts.heartbeatMs, () => this.#look());
  }

  /** `work`, which the link does not survive when it takes longer than `ms`: NO_PROGRESS. */
  async within<T>(ms: number, work: Promise<T>): Promise<T> {
    this.#patience.renew();
    this.#limit = ms;
    try {
      return await work;
    } finally {
      this.#limit = undefined;
    }
  }

  close(): void {
    this.#stop();
  }

  #look(): void {
    if (this.#limit === undefined || this.#patience.look() <= this.#limit) return;
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
