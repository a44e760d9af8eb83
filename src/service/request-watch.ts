/**
 * Watches the request keys of all domains.
 *
 *     @introduceDomain, @releaseDomain  -->  list the domains  -->  one watch for each domain, on its request key
 *
 * A watch fires once when it is created, so the service also finds a request that was written while no service ran. A
 * flood of writes triggers only the domain's {@link RateLimiter}, and the last request counts.
 */

import { StubferryError } from '../base/errors/index.js';
import { REQUEST_KEY } from '../formats/protocol/request.js';
import type { XenstoreClient } from '../xen/xenstore/index.js';
import { domainPath } from './device-model.js';

/** The options of {@link RequestWatch.start}. */
export interface RequestWatchOptions {
  readonly xenstore: Pick<XenstoreClient, 'directory' | 'watch'>;
  /** Called when the request of a domain may have changed. */
  readonly onRequest: (domid: number) => void;
  /** Called when a domain was destroyed. */
  readonly onGone: (domid: number) => void;
  /** Called when the list of domains cannot be updated. */
  readonly onError: (error: StubferryError) => void;
}

/** The maximum number of domains on a Xen host. */
const MAX_DOMAINS = 0x7ff0;

/** Watches the request keys of all domains until it is closed. */
export class RequestWatch {
  readonly #options: RequestWatchOptions;
  readonly #domains = new Map<number, { close(): Promise<void> }>();
  readonly #special: { close(): Promise<void> }[] = [];
  #updating: Promise<void> | undefined;
  #isOutdated = false;
  #closed = false;

  private constructor(options: RequestWatchOptions) {
    this.#options = options;
  }

  /**
   * Creates the watches of all present domains.
   *
   * @throws errors of xenstore
   */
  static async start(options: RequestWatchOptions): Promise<RequestWatch> {
    const self = new RequestWatch(options);
    for (const event of ['@introduceDomain', '@releaseDomain'])
      self.#special.push(await options.xenstore.watch(event, () => self.#requestUpdate()));
    self.#requestUpdate();
    await self.#updating;
    return self;
  }

  /** Starts an update of the list of domains. All events during an update together cause one further update. */
  #requestUpdate(): void {
    this.#isOutdated = true;
    this.#updating ??= this.#updateUntilCurrent().finally(() => {
      this.#updating = undefined;
    });
  }

  async #updateUntilCurrent(): Promise<void> {
    while (this.#isOutdated && !this.#closed) {
      this.#isOutdated = false;
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
    const present = new Set(names.filter((name) => /^[1-9]\d{0,4}$/.test(name)).map(Number));
    for (const [domid, watch] of this.#domains) {
      if (present.has(domid)) continue;
      this.#domains.delete(domid);
      await watch.close();
      onGone(domid);
    }
    for (const domid of present) {
      if (this.#domains.has(domid) || this.#domains.size >= MAX_DOMAINS || this.#closed) continue;
      const watch = await xenstore.watch(`${domainPath(domid)}/${REQUEST_KEY}`, () => onRequest(domid));
      this.#domains.set(domid, watch);
    }
  }

  /** Closes all watches. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#updating;
    for (const watch of [...this.#special, ...this.#domains.values()]) await watch.close().catch(() => undefined);
  }
}
