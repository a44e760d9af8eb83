/**
 * Sees the requests of all domains, without asking any of them.
 *
 *     @introduceDomain, @releaseDomain --> which domains are there? --> one watch each on its request key
 *
 * A watch fires once when it is made, so a request that was written while no agent ran is seen too. What a domain writes in a flood
 * is one event for the domain's {@link PollBackoff}: the last request counts.
 */

import { StubferryError } from '../base/errors/index.js';
import { REQUEST_KEY } from '../formats/protocol/request.js';
import type { XenstoreClient } from '../xen/xenstore/index.js';
import { homeOf } from './device-model.js';

export interface RequestWatchOptions {
  readonly xenstore: Pick<XenstoreClient, 'directory' | 'watch'>;
  /** The request of that domain may have changed. */
  readonly onRequest: (domid: number) => void;
  /** That domain is gone. */
  readonly onGone: (domid: number) => void;
  readonly onError: (error: StubferryError) => void;
}

/** Xen has no more domains than this. */
const MOST_DOMAINS = 0x7ff0;

export class RequestWatch {
  readonly #options: RequestWatchOptions;
  readonly #domains = new Map<number, { close(): Promise<void> }>();
  readonly #special: { close(): Promise<void> }[] = [];
  #looking: Promise<void> | undefined;
  #again = false;
  #closed = false;

  private constructor(options: RequestWatchOptions) {
    this.#options = options;
  }

  /** @throws errors of xenstore */
  static async start(options: RequestWatchOptions): Promise<RequestWatch> {
    const self = new RequestWatch(options);
    for (const event of ['@introduceDomain', '@releaseDomain'])
      self.#special.push(await options.xenstore.watch(event, () => self.#look()));
    self.#look();
    await self.#looking;
    return self;
  }

  /** Looks which domains there are; while it looks, any number of events wait for one more look. */
  #look(): void {
    this.#again = true;
    this.#looking ??= this.#lookUntilQuiet().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookUntilQuiet(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#update();
      } catch (error) {
        if (!this.#closed) this.#options.onError(StubferryError.from(error));
      }
    }
  }

  async #update(): Promise<void> {
    const { xenstore, onRequest, onGone } = this.#options;
    const names = (await xenstore.directory('/local/domain')) ?? [];
    const there = new Set(names.filter((name) => /^[1-9]\d{0,4}$/.test(name)).map(Number));
    for (const [domid, watch] of this.#domains) {
      if (there.has(domid)) continue;
      this.#domains.delete(domid);
      await watch.close();
      onGone(domid);
    }
    for (const domid of there) {
      if (this.#domains.has(domid) || this.#domains.size >= MOST_DOMAINS || this.#closed) continue;
      const watch = await xenstore.watch(`${homeOf(domid)}/${REQUEST_KEY}`, () => onRequest(domid));
      this.#domains.set(domid, watch);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#looking;
    for (const watch of [...this.#special, ...this.#domains.values()]) await watch.close().catch(() => undefined);
  }
}
