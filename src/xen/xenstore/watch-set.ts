/** The watches of a client by their tokens. They survive the connection on which they are set. */
import type { Connection } from './connection.js';
import { refused } from './refused.js';
import { type OnChange, WatchEvents } from './watch-events.js';
import { malformed } from './wire/message.js';
import { isWithin } from './wire/path.js';
import type { WatchEvent } from './wire/replies.js';
import { unwatch, watch } from './wire/requests.js';

interface Watched {
  readonly path: string;
  readonly token: string;
  readonly events: WatchEvents;
  /** Whether xenstored has acknowledged the watch, so that it must be set on the next connection too. */
  isSet: boolean;
}

/** The watches of a client by their tokens. */
export class WatchSet {
  readonly #watches = new Map<string, Watched>();
  #lastToken = 0;

  /**
   * Sets a watch on `connection`.
   * @returns the token of the watch; its first event may arrive before
   * @throws StubferryError XENSTORE_REFUSED, and what {@link Connection.request} throws
   */
  async add(
    path: string,
    connection: Connection,
    onChange: OnChange,
    onError: (error: unknown) => void,
  ): Promise<string> {
    this.#lastToken += 1;
    const token = String(this.#lastToken);
    const added: Watched = { path, token, events: new WatchEvents(path, onChange, onError), isSet: false };
    this.#watches.set(token, added);
    try {
      await setOn(connection, added);
      added.isSet = true;
      return token;
    } catch (error) {
      this.#forget(token);
      throw error;
    }
  }

  /** Removes a watch. No event is delivered after the call. Resolves when xenstored has removed it. */
  async remove(token: string, connection: Connection | undefined): Promise<void> {
    const known = this.#forget(token);
    // A watch ends with its connection, so nothing remains to do after a loss.
    if (known !== undefined) await connection?.request(unwatch(known.path, token)).catch(() => undefined);
  }

  /**
   * Sets all watches on another connection.
   * @throws StubferryError XENSTORE_REFUSED, and what {@link Connection.request} throws
   */
  async moveTo(connection: Connection): Promise<void> {
    for (const watched of this.#watches.values()) if (watched.isSet) await setOn(connection, watched);
  }

  /**
   * Delivers an event to its watch.
   * @throws StubferryError XENSTORE_PROTOCOL: when the event belongs to no watch
   */
  dispatch({ path, token }: WatchEvent): void {
    const known = this.#watches.get(token);
    if (known !== undefined) {
      if (!isWithin(path, known.path)) throw malformed(`a change within ${known.path}`, path);
      known.events.push(path);
    } else if (!/^[1-9]\d*$/.test(token) || Number(token) > this.#lastToken) {
      // The event of a removed watch may have been on its way.
      throw malformed('an event of a watch that was set', `one with the token ${JSON.stringify(token)}`);
    }
  }

  /** Closes all watches. No event is delivered after the call. */
  close(): void {
    for (const token of [...this.#watches.keys()]) this.#forget(token);
  }

  #forget(token: string): Watched | undefined {
    const known = this.#watches.get(token);
    known?.events.close();
    this.#watches.delete(token);
    return known;
  }
}

async function setOn(connection: Connection, { path, token }: Watched): Promise<void> {
  const request = watch(path, token);
  const reply = await connection.request(request);
  if ('refusal' in reply) throw refused(request, reply.refusal);
}
