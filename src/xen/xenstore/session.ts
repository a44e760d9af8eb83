/**
 * A connection to xenstore that is made anew when it is lost, and the watches that outlive it.
 *
 *     open --> connected --lost--> (20 ms, 40 ms ... 1 s) --> connected, its watches set again --> ...
 *                  |                         |
 *                  |                         '-- for too long --> closed(XENSTORE_GONE)
 *                  '-- what answers is no xenstored, /dev/xen/xenbus ended, close(), abort --> closed
 *
 * Requests without a reply fail when it is lost: whether they were executed is not known. Those that are made until it is there again
 * wait for it. A watch that is set again fires, as after it was set for the first time, so what happened meanwhile is not missed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { StubferryError } from '../../base/errors/index.js';
import { Connection } from './connection.js';
import type { OnChange } from './watch-events.js';
import { WatchSet } from './watch-set.js';

export interface SessionOptions {
  readonly path: string;
  /** For the next reply, while one is awaited, milliseconds. */
  readonly replyMs: number;
  /** How long a lost connection may not be had again, milliseconds. */
  readonly reconnectMs: number;
}

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 1_000;

export class Session {
  readonly #options: SessionOptions;
  readonly #abort = new AbortController();
  readonly #watches = new WatchSet();
  #connection: Connection | undefined;
  /** On its way to take the place of a lost one. */
  #next: Connection | undefined;
  /** Whether there is a connection again, while there is none. */
  #reconnected: Promise<void> = Promise.resolve();
  #over: StubferryError | undefined;
  #resolveEnded: (reason: StubferryError) => void = () => undefined;
  /** Resolves with the reason when it is over for good. */
  readonly ended = new Promise<StubferryError>((resolve) => {
    this.#resolveEnded = resolve;
  });

  private constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** @throws StubferryError XENSTORE_UNREACHABLE; the reason of an abort */
  static async open(options: SessionOptions, signal: AbortSignal): Promise<Session> {
    const session = new Session(options);
    session.#connection = await session.#connect(signal);
    return session;
  }

  /** Where new requests go to. @throws StubferryError why it is over */
  async connection(): Promise<Connection> {
    for (;;) {
      if (this.#over !== undefined) throw this.#over;
      if (this.#connection !== undefined) return this.#connection;
      await this.#reconnected;
    }
  }

  /** @returns the token of the watch; its first event may come before */
  async watch(path: string, onChange: OnChange): Promise<string> {
    const onError = (error: unknown): void => this.#finish(StubferryError.from(error));
    return this.#watches.add(path, await this.connection(), onChange, onError);
  }

  /** No event comes any more after the call. Resolves when xenstored knows. */
  unwatch(token: string): Promise<void> {
    return this.#watches.remove(token, this.#connection);
  }

  /** Ends it; requests without a reply fail with `reason`. Resolves when nothing of it is left open. */
  async close(reason: StubferryError): Promise<void> {
    const connection = this.#connection;
    this.#finish(reason);
    await connection?.close(reason);
    await this.#reconnected.catch(() => undefined);
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const { path, replyMs } = this.#options;
    let connection: Connection | undefined;
    const onEnd = (reason: StubferryError): void => {
      if (connection !== undefined && this.#connection === connection) this.#lost(reason);
    };
    connection = await Connection.open({ path, replyMs, onEvent: (event) => this.#watches.tell(event), onEnd }, signal);
    return connection;
  }

  #lost(reason: StubferryError): void {
    const isReplaceable = this.#connection?.isReplaceable === true && reason.code !== 'XENSTORE_PROTOCOL';
    this.#connection = undefined;
    if (!isReplaceable) this.#finish(reason);
    else this.#reconnected = this.#reconnect(reason);
  }

  async #reconnect(lost: StubferryError): Promise<void> {
    const { signal } = this.#abort;
    const since = performance.now();
    try {
      for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
        await delay(wait, undefined, { signal });
        this.#connection = await this.#tryAgain(signal);
        if (this.#connection !== undefined) return;
        if (performance.now() - since > this.#options.reconnectMs) throw lost;
      }
    } catch (error) {
      this.#finish(StubferryError.from(error));
    }
  }

  /** A connection with all the watches, or undefined when there is none yet. @throws StubferryError when there will be none */
  async #tryAgain(signal: AbortSignal): Promise<Connection | undefined> {
    try {
      this.#next = await this.#connect(signal);
      await this.#watches.moveTo(this.#next);
      const over = this.#over ?? this.#next.over;
      if (over !== undefined) throw over;
      return this.#next;
    } catch (error) {
      const reason = StubferryError.from(error);
      await this.#next?.close(reason);
      if (reason.code === 'XENSTORE_UNREACHABLE' || reason.code === 'XENSTORE_GONE') return undefined;
      throw reason;
    } finally {
      this.#next = undefined;
    }
  }

  #finish(reason: StubferryError): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    this.#abort.abort(reason);
    for (const connection of [this.#connection, this.#next]) void connection?.close(reason).catch(() => undefined);
    this.#connection = undefined;
    this.#watches.close();
    this.#resolveEnded(reason);
  }
}

/** The end that was asked for. */
export function closedHere(where: string): StubferryError {
  return new StubferryError('XENSTORE_GONE', 'the connection to xenstore was closed', { where, found: 'closed here' });
}
