/**
 * A connection to xenstore that reconnects after a loss, and the watches that survive the reconnection.
 *
 *     open --> connected --lost--> (20 ms, 40 ms ... 1 s) --> connected, its watches set again --> ...
 *                  |                         |
 *                  |                         '-- for too long --> closed(XENSTORE_GONE)
 *                  '-- protocol error, end of /dev/xen/xenbus, close(), abort --> closed
 *
 * When the connection is lost, pending requests fail, because it is unknown whether xenstored executed them. New
 * requests wait for the next connection. A watch fires once whenever it is set, so it also fires after a reconnection,
 * and its handler misses no change.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { StubferryError } from '../../base/errors/index.js';
import { Connection } from './connection.js';
import type { OnChange } from './watch-events.js';
import { WatchSet } from './watch-set.js';

/** Options of {@link Session.open}. */
export interface SessionOptions {
  /** Path of the unix socket or the device. */
  readonly path: string;
  /** How long xenstored may take for the next reply while a request is pending, in milliseconds. */
  readonly replyMs: number;
  /** How long reconnecting may take, in milliseconds. */
  readonly reconnectMs: number;
}

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 1_000;

/** A connection to xenstore that reconnects after a loss. */
export class Session {
  readonly #options: SessionOptions;
  readonly #abort = new AbortController();
  readonly #watches = new WatchSet();
  #connection: Connection | undefined;
  /** A new connection that is not ready to replace the lost one yet. */
  #next: Connection | undefined;
  /** Resolves when reconnecting has ended, with or without a connection. */
  #reconnected: Promise<void> = Promise.resolve();
  #over: StubferryError | undefined;
  #resolveEnded: (reason: StubferryError) => void = () => undefined;
  /** Resolves with the reason when the session has ended permanently. */
  readonly ended = new Promise<StubferryError>((resolve) => {
    this.#resolveEnded = resolve;
  });

  private constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * Opens the first connection.
   * @throws StubferryError XENSTORE_UNREACHABLE; the reason of an abort
   */
  static async open(options: SessionOptions, signal: AbortSignal): Promise<Session> {
    const session = new Session(options);
    session.#connection = await session.#connect(signal);
    return session;
  }

  /**
   * Returns the connection for new requests; waits while the session reconnects.
   * @throws StubferryError the reason why the session has ended
   */
  async connection(): Promise<Connection> {
    for (;;) {
      if (this.#over !== undefined) throw this.#over;
      if (this.#connection !== undefined) return this.#connection;
      await this.#reconnected;
    }
  }

  /**
   * Sets a watch.
   * @returns the token of the watch; its first event may arrive before
   * @throws StubferryError XENSTORE_REFUSED, XENSTORE_GONE, XENSTORE_TIMEOUT, LIMIT_EXCEEDED
   */
  async watch(path: string, onChange: OnChange): Promise<string> {
    const onError = (error: unknown): void => this.#finish(StubferryError.from(error));
    return this.#watches.add(path, await this.connection(), onChange, onError);
  }

  /** Removes a watch. No event is delivered after the call. Resolves when xenstored has removed it. */
  unwatch(token: string): Promise<void> {
    return this.#watches.remove(token, this.#connection);
  }

  /** Ends the session; pending requests fail with `reason`. Resolves when all its resources are closed. */
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
      if (connection !== undefined && this.#connection === connection) this.#onLost(reason);
    };
    connection = await Connection.open(
      { path, replyMs, onEvent: (event) => this.#watches.dispatch(event), onEnd },
      signal,
    );
    return connection;
  }

  #onLost(reason: StubferryError): void {
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

  /**
   * Returns a connection with all the watches, or undefined when xenstore is still unreachable.
   * @throws StubferryError when no later attempt can succeed
   */
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

/** The error of a session that its owner closed. */
export function closedHere(where: string): StubferryError {
  return new StubferryError('XENSTORE_GONE', 'the connection to xenstore was closed', { where, found: 'closed here' });
}
