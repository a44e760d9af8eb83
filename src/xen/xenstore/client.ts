/**
 * A client of xenstore.
 *
 *     const store = await XenstoreClient.connect();
 *     const name = await store.read('/local/domain/3/name');
 *     const watch = await store.watch('/local/domain/3/data', (changed) => ...);
 *     await store.transaction(async (tx) => { ...; await store.write(path, 'value', tx); });
 *     await store.close();
 *
 * A domain may write any bytes to its nodes: a value is returned as text or rejected, and the caller must validate its
 * content. Every request may throw XENSTORE_TIMEOUT, XENSTORE_GONE, XENSTORE_PROTOCOL, XENSTORE_REFUSED and
 * LIMIT_EXCEEDED, and XENSTORE_INVALID for an invalid path. The protocol is described in docs/misc/xenstore.txt of Xen.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { StubferryError } from '../../base/errors/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
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

/** Options of {@link XenstoreClient.connect}. */
export interface ConnectOptions {
  /**
   * Path of xenstored's unix socket, or of a device such as /dev/xen/xenbus. Default: the first of the two that exists.
   */
  readonly path?: string | undefined;
  /** Ends the client with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
  /** How long xenstored may send no reply while a request is pending, in milliseconds. Default: 15000. */
  readonly replyMs?: number;
  /** How long reconnecting may take after a loss, in milliseconds. Default: 30000. */
  readonly reconnectMs?: number;
}

/** A watch that is set. */
export interface Watch {
  /** Removes the watch. No event is delivered after the call. Resolves when xenstored has removed it. */
  close(): Promise<void>;
}

/**
 * How often a transaction is tried. Each commit of another client in between costs one attempt; between two clients
 * that always collide, the random pause decides.
 */
const ATTEMPTS = 12;
const LONGEST_PAUSE_MS = 100;

/** A client of xenstore. Create it with {@link XenstoreClient.connect} and end it with {@link XenstoreClient.close}. */
export class XenstoreClient {
  /** Path of the socket or device. */
  readonly path: string;
  /** Resolves when the client has ended permanently: with the reason, or with undefined after {@link close}. */
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

  /**
   * Connects to xenstore.
   * @throws StubferryError XENSTORE_UNREACHABLE; the reason of an abort
   */
  static async connect(options: ConnectOptions = {}): Promise<XenstoreClient> {
    const { replyMs = TIMEOUTS.xenstoreReply, reconnectMs = TIMEOUTS.xenstoreReconnect } = options;
    // Each client has its own signal: Node warns about a signal with more than ten listeners.
    const signal = options.signal ?? new AbortController().signal;
    signal.throwIfAborted();
    const path = options.path ?? (await findXenstore());
    const session = await Session.open({ path, replyMs, reconnectMs }, signal);
    return new XenstoreClient(path, session, signal);
  }

  /**
   * Returns the value of a node as text; undefined when the node does not exist.
   * @throws StubferryError XENSTORE_INVALID: when the value is not UTF-8
   */
  async read(path: string, tx?: Transaction): Promise<string | undefined> {
    const bytes = await this.readBytes(path, tx);
    const text = bytes === undefined ? undefined : decodeText(bytes);
    if (bytes === undefined || text !== undefined) return text;
    throw new StubferryError('XENSTORE_INVALID', 'the value of the node is not text', {
      where: path,
      expected: 'UTF-8',
      found: `${bytes.length} bytes that are not UTF-8`,
    });
  }

  /** Returns the value of a node; undefined when the node does not exist. */
  async readBytes(path: string, tx?: Transaction): Promise<Uint8Array | undefined> {
    return this.#ifExists(requests.read(path), tx);
  }

  /**
   * Sets the value of a node. Creates the node and its parents if they do not exist.
   * @param value bytes, or text without a zero byte
   */
  async write(path: string, value: string | Uint8Array, tx?: Transaction): Promise<void> {
    return this.#do(requests.write(path, value), tx);
  }

  /** Creates a node, if it does not exist. */
  async mkdir(path: string, tx?: Transaction): Promise<void> {
    return this.#do(requests.mkdir(path), tx);
  }

  /** Removes a node with everything below it. It is not an error when the node does not exist. */
  async remove(path: string, tx?: Transaction): Promise<void> {
    return this.#ifExists(requests.rm(path), tx);
  }

  /**
   * Returns the names of the children of a node; undefined when the node does not exist.
   * @throws StubferryError XENSTORE_CONFLICT: when the list changes during every attempt
   */
  async directory(path: string, tx?: Transaction): Promise<string[] | undefined> {
    const reply = await listChildren(path, (request) => this.#request(request, tx));
    return valueIfExists(requests.directory(path), reply);
  }

  /** Returns the permissions of a node; undefined when the node does not exist. */
  async permissions(path: string, tx?: Transaction): Promise<Permissions | undefined> {
    return this.#ifExists(requests.getPermissions(path), tx);
  }

  /**
   * Sets the permissions of an existing node. Nodes that are created below it later start with the same permissions.
   */
  async setPermissions(path: string, permissions: Permissions, tx?: Transaction): Promise<void> {
    return this.#do(requests.setPermissions(path, permissions), tx);
  }

  /** Returns the home of a domain, /local/domain/<domid>, whether the domain exists or not. */
  async domainPath(domid: number): Promise<string> {
    return this.#do(requests.getDomainPath(domid));
  }

  /** Whether xenstored has been introduced to that domain. */
  async isIntroduced(domid: number): Promise<boolean> {
    return this.#do(requests.isDomainIntroduced(domid));
  }

  /**
   * Calls `onChange` whenever the value, the permissions or the existence of a node at or below `path` changes.
   * `onChange` is also called once when the watch is set, and once after each reconnection. It is called with `path`
   * itself when more nodes changed than the client keeps. Calls do not overlap: `onChange` may return a promise. When
   * `onChange` throws, the client ends with that error.
   *
   * @param path also `@introduceDomain` and `@releaseDomain`, in dom0
   */
  async watch(path: string, onChange: OnChange): Promise<Watch> {
    checkPath(path);
    const token = await this.#session.watch(path, onChange);
    return { close: () => this.#session.unwatch(token) };
  }

  /**
   * Runs `work` in a transaction: everything that `work` does with its `tx` takes effect atomically, or not at all when
   * `work` throws. When others changed the same nodes meanwhile, `work` is called again, so it must have no other side
   * effects.
   *
   * @throws StubferryError XENSTORE_CONFLICT: when others committed first in every attempt; what `work` throws
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
    throw new StubferryError('XENSTORE_CONFLICT', 'a transaction conflicted with other writers in every attempt', {
      where: this.path,
      expected: `no changes by others in one of ${ATTEMPTS} attempts`,
      found: 'changes in each attempt (EAGAIN)',
      hint: 'another program keeps writing to the same nodes',
    });
  }

  /** Ends the client; pending requests fail. Resolves when all its resources are closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#session.close(closedHere(this.path));
  }

  async #begin(): Promise<Transaction> {
    const connection = await this.#session.connection();
    const request = requests.startTransaction();
    const reply = await connection.request(request);
    if ('refusal' in reply) throw refused(request, reply.refusal);
    return new Transaction(connection, reply.value);
  }

  /** @returns false when it was not committed, because others committed first */
  async #finish(tx: Transaction, how: 'commit' | 'discard'): Promise<boolean> {
    const request = requests.endTransaction(how);
    const ending = this.#request(request, tx);
    tx.isOver = true;
    const reply = await ending;
    if (!('refusal' in reply)) return true;
    if (reply.refusal === 'EAGAIN') return false;
    throw refused(request, reply.refusal);
  }

  async #request<T>(request: requests.Request<T>, tx?: Transaction): Promise<Reply<T>> {
    if (tx === undefined) return (await this.#session.connection()).request(request);
    if (tx.isOver) throw new Error(`${request.type} in a transaction that has ended`);
    return tx.connection.request(request, tx.id);
  }

  async #do<T>(request: requests.Request<T>, tx?: Transaction): Promise<T> {
    const reply = await this.#request(request, tx);
    if ('refusal' in reply) throw refused(request, reply.refusal);
    return reply.value;
  }

  async #ifExists<T>(request: requests.Request<T>, tx?: Transaction): Promise<T | undefined> {
    return valueIfExists(request, await this.#request(request, tx));
  }
}

function valueIfExists<T>(request: requests.Request<T>, reply: Reply<T>): T | undefined {
  if (!('refusal' in reply)) return reply.value;
  if (reply.refusal === 'ENOENT') return undefined;
  throw refused(request, reply.refusal);
}
