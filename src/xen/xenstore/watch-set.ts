/** The watches of a client, by their tokens. They outlive the connection that they are set on. */
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
  /** Acknowledged by xenstored, so that it belongs on the next connection, too. */
  isSet: boolean;
}

export class WatchSet {
  readonly #watches = new Map<string, Watched>();
  #lastToken = 0;

  /** @returns the token of the watch; its first event may come before */
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

  /** No event comes any more after the call. Resolves when xenstored knows. */
  async remove(token: string, connection: Connection | undefined): Promise<void> {
    const known = this.#forget(token);
    // A watch goes with its connection: where that is lost there is nothing left to do.
    if (known !== undefined) await connection?.request(unwatch(known.path, token)).catch(() => undefined);
  }

  /** Sets all of them on another connection. @throws StubferryError XENSTORE_REFUSED, XENSTORE_GONE, ... */
  async moveTo(connection: Connection): Promise<void> {
    for (const watched of this.#watches.values()) if (watched.isSet) await setOn(connection, watched);
  }

  /** @throws StubferryError XENSTORE_PROTOCOL for an event of no watch */
  tell({ path, token }: WatchEvent): void {
    const known = this.#watches.get(token);
    if (known !== undefined) {
      if (!isWithin(path, known.path)) throw malformed(`a change within ${known.path}`, path);
      known.events.push(path);
    } else if (!/^[1-9]\d*$/.test(token) || Number(token) > this.#lastToken) {
      // One that was removed may have been on its way.
      throw malformed('an event of a watch that was set', `one with the token ${JSON.stringify(token)}`);
    }
  }

  /** No event of any comes any more. */
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
  const answer = await connection.request(request);
  if ('refusal' in answer) throw refused(request, answer.refusal);
}
