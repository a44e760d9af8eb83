/**
 * A client of xenstore.
 *
 *     const store = await XenstoreClient.connect();
 *     const name = await store.read('/local/domain/3/name');
 *     const watch = await store.watch('/local/domain/3/data', (changed) => ...);
 *     await store.transaction(async (tx) => { ...; await store.write(path, 'value', tx); });
 *     await store.close();
 *
 * Whatever comes from a domain may hold anything: a value is text or an error, and what it says is for the caller to judge.
 * Every request may throw XENSTORE_TIMEOUT, XENSTORE_GONE, XENSTORE_PROTOCOL, XENSTORE_REFUSED and LIMIT_EXCEEDED, and
 * XENSTORE_INVALID for a path that is none.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { StubferryError } from '../../base/errors/index.js';
import type { Reply } from './connection.js';
import { listChildren } from './directory.js';
import { findXenstore } from './open-transport.js';
import { refused } from './refused.js';
import { closedHere, Session } from './session.js';
import { Transaction } from './transaction.js';
import type { OnChange } from './watch-events.js';
import { checkPath } from './wire/path.js';
import type { Permissions } from './wire/permissions.js';
import * as requests from './wire/requests.js';
import { decodeText } from './wire/strings.js';

export interface ConnectOptions {
  /** A unix socket of xenstored or a device such as /dev/xen/xenbus; by default the first of both that is there. */
  readonly path?: string | undefined;
  /** Ends the client, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long xenstored may answer nothing while a reply is awaited, milliseconds. */
  readonly replyMs?: number;
  /** How long a lost connection may not be had again, milliseconds. */
  readonly reconnectMs?: number;
}

export interface Watch {
  /** No event comes any more after the call. Resolves when xenstored knows. */
  close(): Promise<void>;
}

const REPLY_MS = 15_000;
const RECONNECT_MS = 30_000;

/** Times that a transaction is tried. Another one that commits first costs one; between two that always meet, chance decides. */
const ATTEMPTS = 12;
const LONGEST_PAUSE_MS = 100;

export class XenstoreClient {
  /** Of the socket or device. */
  readonly path: string;
  /** Resolves when it is over for good: with the reason, or with undefined when it was closed. */
  readonly closed: Promise<StubferryError | undefined>;
  readonly #session: Session;
  #isClosed = false;

  private constructor(path: string, session: Session, signal: AbortSignal) {
    this.path = path;
    this.#session = session;
    const onAbort = (): void => void session.close(StubferryError.from(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    this.closed = session.ended.then((reason) => {
      signal.removeEventListener('abort', onAbort);
      return this.#isClosed ? undefined : reason;
    });
  }

  /** @throws StubferryError XENSTORE_UNREACHABLE; the reason of an abort */
  static async connect(options: ConnectOptions = {}): Promise<XenstoreClient> {
    const { replyMs = REPLY_MS, reconnectMs = RECONNECT_MS } = options;
    // Not one for all: Node warns of a signal that more than ten listen to.
    const signal = options.signal ?? new AbortController().signal;
    signal.throwIfAborted();
    const path = options.path ?? (await findXenstore());
    const session = await Session.open({ path, replyMs, reconnectMs }, signal);
    return new XenstoreClient(path, session, signal);
  }

  /** The value of a node; undefined when there is no such node. @throws StubferryError XENSTORE_INVALID when it is no text */
  async read(path: string, tx?: Transaction): Promise<string | undefined> {
    const bytes = await this.readBytes(path, tx);
    const text = bytes === undefined ? undefined : decodeText(bytes);
    if (bytes === undefined || text !== undefined) return text;
    throw new StubferryError('XENSTORE_INVALID', 'the value of this node is no text', {
      where: path,
      expected: 'UTF-8',
      found: `${bytes.length} other bytes`,
    });
  }

  /** The value of a node, whatever it is; undefined when there is no such node. */
  async readBytes(path: string, tx?: Transaction): Promise<Uint8Array | undefined> {
    return this.#ifThere(requests.read(path), tx);
  }

  /** Sets the value of a node, which is made if it is not there, and so are its parents. Text must not hold a zero byte. */
  async write(path: string, value: string | Uint8Array, tx?: Transaction): Promise<void> {
    return this.#do(requests.write(path, value), tx);
  }

  /** Makes a node, if it is not there. */
  async mkdir(path: string, tx?: Transaction): Promise<void> {
    return this.#do(requests.mkdir(path), tx);
  }

  /** Removes a node with all below it; one that is not there is fine. */
  async remove(path: string, tx?: Transaction): Promise<void> {
    return this.#ifThere(requests.rm(path), tx);
  }

  /** The names of the children of a node; undefined when there is no such node. */
  async directory(path: string, tx?: Transaction): Promise<string[] | undefined> {
    const answer = await listChildren(path, (request) => this.#ask(request, tx));
    return valueIfThere(requests.directory(path), answer);
  }

  /** Undefined when there is no such node. */
  async permissions(path: string, tx?: Transaction): Promise<Permissions | undefined> {
    return this.#ifThere(requests.getPermissions(path), tx);
  }

  /** Of a node that is there. What is made below it later begins with the same. */
  async setPermissions(path: string, permissions: Permissions, tx?: Transaction): Promise<void> {
    return this.#do(requests.setPermissions(path, permissions), tx);
  }

  /** The home of a domain, /local/domain/<domid>, whether there is such a domain or not. */
  async domainPath(domid: number): Promise<string> {
    return this.#do(requests.getDomainPath(domid));
  }

  /** Whether xenstored knows that domain. */
  async isIntroduced(domid: number): Promise<boolean> {
    return this.#do(requests.isDomainIntroduced(domid));
  }

  /**
   * Calls `onChange` whenever something at or below `path` changes: its value, its permissions, that it is there. It is called once
   * at the beginning, and once after a lost connection was made anew; with `path` itself when more changed than could be told.
   * Never twice at a time: it may return a promise. What it throws ends the client.
   *
   * @param path also `@introduceDomain` and `@releaseDomain`, in dom0
   */
  async watch(path: string, onChange: OnChange): Promise<Watch> {
    checkPath(path);
    const token = await this.#session.watch(path, onChange);
    return { close: () => this.#session.unwatch(token) };
  }

  /**
   * Everything that `work` does with its `tx` is done at once, or not at all when it throws. When others changed the same nodes
   * meanwhile, `work` is called again: it must not do anything else that counts.
   *
   * @throws StubferryError XENSTORE_CONFLICT when others were first each time; what `work` throws
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const tx = await this.#begin();
      let result: T;
      try {
        result = await work(tx);
      } catch (error) {
        await this.#finish(tx, 'discard').catch(() => undefined);
        throw error;
      }
      if (await this.#finish(tx, 'commit')) return result;
      await delay(Math.random() * Math.min(2 ** attempt, LONGEST_PAUSE_MS));
    }
    throw new StubferryError('XENSTORE_CONFLICT', 'a transaction was never the first to change what it changes', {
      where: this.path,
      expected: `no changes by others in one of ${ATTEMPTS} attempts`,
      found: 'some in each (EAGAIN)',
      hint: 'somebody writes to the same nodes all the time',
    });
  }

  /** Ends it; requests without a reply fail. Resolves when nothing of it is left open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#session.close(closedHere(this.path));
  }

  async #begin(): Promise<Transaction> {
    const connection = await this.#session.connection();
    const request = requests.startTransaction();
    const answer = await connection.request(request);
    if ('refusal' in answer) throw refused(request, answer.refusal);
    return new Transaction(connection, answer.value);
  }

  /** @returns false when it was not committed, for others were first */
  async #finish(tx: Transaction, how: 'commit' | 'discard'): Promise<boolean> {
    const request = requests.endTransaction(how);
    const ending = this.#ask(request, tx);
    tx.isOver = true;
    const answer = await ending;
    if (!('refusal' in answer)) return true;
    if (answer.refusal === 'EAGAIN') return false;
    throw refused(request, answer.refusal);
  }

  async #ask<T>(request: requests.Request<T>, tx?: Transaction): Promise<Reply<T>> {
    if (tx === undefined) return (await this.#session.connection()).request(request);
    if (tx.isOver) throw new Error(`${request.type} in a transaction that is over`);
    return tx.connection.request(request, tx.id);
  }

  async #do<T>(request: requests.Request<T>, tx?: Transaction): Promise<T> {
    const answer = await this.#ask(request, tx);
    if ('refusal' in answer) throw refused(request, answer.refusal);
    return answer.value;
  }

  async #ifThere<T>(request: requests.Request<T>, tx?: Transaction): Promise<T | undefined> {
    return valueIfThere(request, await this.#ask(request, tx));
  }
}

function valueIfThere<T>(request: requests.Request<T>, answer: Reply<T>): T | undefined {
  if (!('refusal' in answer)) return answer.value;
  if (answer.refusal === 'ENOENT') return undefined;
  throw refused(request, answer.refusal);
}
