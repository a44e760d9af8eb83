/**
 * One connection to xenstore, until it is lost: requests and their replies.
 *
 *     request(id) --> transport --> reply(id), of the same type or ERROR --> the caller
 *                               --> WATCH_EVENT                          --> onEvent
 *                               --> anything else                        --> the connection ends
 *
 * Replies are matched by their ids and may arrive in any order. xenstored replies within a millisecond. When it sends
 * no reply at all for a long time while requests are pending, it counts as lost: the connection ends, so that no late
 * reply can be taken for the reply to another request. (The time counts from the last reply, because the queue may be
 * long and the machine slow: under emulation on a busy host a reply took 0.4 s.)
 */
import { errnoOf, StubferryError } from '../../base/errors/index.js';
import { openTransport } from './open-transport.js';
import type { Transport } from './transport.js';
import { encodeMessage, type Message, malformed, type RequestType } from './wire/message.js';
import { MessageReader } from './wire/message-reader.js';
import { refusalOf, type WatchEvent, watchEventOf } from './wire/replies.js';
import type { Request } from './wire/requests.js';

/** A reply of xenstored: the requested value, or the name of an errno, such as EACCES. */
export type Reply<T> = { readonly value: T } | { readonly refusal: string };

/** Options of {@link Connection.open}. */
export interface ConnectionOptions {
  /** Path of the unix socket or the device. */
  readonly path: string;
  /** How long xenstored may take for the next reply while a request is pending, in milliseconds. */
  readonly replyMs: number;
  /** Called for each event of a watch. An error that it throws ends the connection. */
  onEvent(event: WatchEvent): void;
  /** Called once, when the connection has ended without {@link Connection.close}. */
  onEnd(reason: StubferryError): void;
}

interface PendingRequest {
  readonly type: RequestType;
  readonly transactionId: number;
  readonly message: Uint8Array;
  isSent: boolean;
  /** @throws StubferryError XENSTORE_PROTOCOL */
  accept(payload: Uint8Array): void;
  refuse(errno: string): void;
  fail(reason: StubferryError): void;
}

/** Largest number of pending requests. xenstored itself accepts 20 of a domain at a time, and lets the others wait. */
const REQUESTS_MAX = 256;

/** One connection to xenstore. Create it with {@link Connection.open}. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #reader = new MessageReader();
  readonly #pending = new Map<number, PendingRequest>();
  #transport: Transport | undefined;
  #over: StubferryError | undefined;
  #closing: Promise<void> | undefined;
  #lastId = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /**
   * Opens the transport at the path of the options.
   * @throws StubferryError XENSTORE_UNREACHABLE; the reason of an abort
   */
  static async open(options: ConnectionOptions, signal: AbortSignal): Promise<Connection> {
    const connection = new Connection(options);
    await connection.#connect(signal);
    return connection;
  }

  /** Why the connection has ended; undefined while it is open. */
  get over(): StubferryError | undefined {
    return this.#over;
  }

  /** Whether a new connection can replace this one when it ends. */
  get isReplaceable(): boolean {
    return this.#transport?.isReplaceable === true;
  }

  /**
   * Sends a request and returns the reply.
   * @param transactionId 0 outside of a transaction
   * @throws StubferryError XENSTORE_TIMEOUT, XENSTORE_GONE, XENSTORE_PROTOCOL; LIMIT_EXCEEDED: when the payload is too
   *   large, or too many requests are pending
   */
  async request<T>({ type, payload, parse }: Request<T>, transactionId = 0): Promise<Reply<T>> {
    if (this.#over !== undefined) throw this.#over;
    const transport = this.#transport;
    if (transport === undefined) throw connectionLost(this.#options.path);
    checkLimits(this.#options.path, payload.length, transport.payloadMax, this.#pending.size);
    const requestId = this.#nextId();
    const reply = new Promise<Reply<T>>((resolve, reject) => {
      this.#pending.set(requestId, {
        type,
        transactionId,
        message: encodeMessage({ type, requestId, transactionId, payload }),
        isSent: false,
        accept: (received) => resolve({ value: parse(received) }),
        refuse: (refusal) => resolve({ refusal }),
        fail: reject,
      });
    });
    if (this.#pending.size === 1) this.#timer = setTimeout(() => this.#onTimeout(), this.#options.replyMs);
    this.#sendNext(transport);
    return reply;
  }

  /** Ends the connection; pending requests fail with `reason`. Resolves when all its resources are closed. */
  async close(reason: StubferryError): Promise<void> {
    this.#over ??= reason;
    for (const pending of this.#pending.values()) pending.fail(reason);
    this.#pending.clear();
    clearTimeout(this.#timer);
    this.#closing ??= this.#transport?.close();
    await this.#closing;
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { path } = this.#options;
    const onBytes = (chunk: Uint8Array): void => this.#onBytes(chunk);
    const onEnd = (cause: unknown): void => this.#end(connectionLost(path, cause));
    this.#transport = await openTransport(path, { onBytes, onEnd }, signal);
  }

  #onBytes(chunk: Uint8Array): void {
    if (this.#over !== undefined) return;
    try {
      for (const message of this.#reader.push(chunk)) this.#onMessage(message);
    } catch (error) {
      this.#end(StubferryError.from(error).at(this.#options.path));
    }
  }

  /** @throws StubferryError XENSTORE_PROTOCOL */
  #onMessage({ type, requestId, transactionId, payload }: Message): void {
    if (type === 'WATCH_EVENT') {
      this.#options.onEvent(watchEventOf(payload));
      return;
    }
    const pending = this.#pending.get(requestId);
    if (pending === undefined) throw malformed('a reply to a request', `${type} to an unknown request`);
    if ((type !== 'ERROR' && type !== pending.type) || transactionId !== pending.transactionId) {
      throw malformed(`a reply to ${pending.type}`, `${type}, or another transaction`);
    }
    if (type === 'ERROR') pending.refuse(refusalOf(payload));
    else pending.accept(payload);
    this.#forget(requestId);
  }

  /** Sends the requests that may be sent now, in their order. */
  #sendNext(transport: Transport): void {
    for (const [requestId, pending] of this.#pending) {
      if (!pending.isSent) {
        pending.isSent = true;
        transport.send(pending.message).catch((cause: unknown) => {
          if (this.#pending.has(requestId)) pending.refuse(errnoOf(cause) ?? 'EIO');
          this.#forget(requestId);
        });
      }
      if (!transport.isPipelined) return;
    }
  }

  #forget(requestId: number): void {
    this.#pending.delete(requestId);
    if (this.#pending.size === 0) clearTimeout(this.#timer);
    else this.#timer?.refresh();
    if (this.#transport?.isPipelined === false && this.#over === undefined) this.#sendNext(this.#transport);
  }

  #onTimeout(): void {
    const { path, replyMs } = this.#options;
    const [oldest] = this.#pending.values();
    const type = oldest?.type ?? '';
    this.#end(
      new StubferryError('XENSTORE_TIMEOUT', `xenstored did not reply to ${type}`, {
        where: path,
        expected: `a reply within ${replyMs} ms`,
        found: 'none',
        hint: 'is xenstored still running?',
      }),
    );
  }

  #end(reason: StubferryError): void {
    if (this.#over !== undefined) return;
    void this.close(reason).catch(() => undefined);
    this.#options.onEnd(reason);
  }

  #nextId(): number {
    do this.#lastId = this.#lastId === 0xffffffff ? 1 : this.#lastId + 1;
    while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }
}

function connectionLost(where: string, cause?: unknown): StubferryError {
  return new StubferryError('XENSTORE_GONE', 'the connection to xenstore was lost', {
    where,
    found: cause instanceof Error ? cause.message : 'end of file',
    hint: 'it is unknown whether xenstored executed the last requests',
    cause,
  });
}

function checkLimits(where: string, length: number, payloadMax: number, requests: number): void {
  if (length > payloadMax) {
    throw new StubferryError('LIMIT_EXCEEDED', 'a request to xenstore is too long', {
      where,
      expected: `a path and a value of at most ${payloadMax} bytes`,
      found: `${length} bytes`,
    });
  }
  if (requests >= REQUESTS_MAX) {
    throw new StubferryError('LIMIT_EXCEEDED', 'too many concurrent requests to xenstore', {
      where,
      expected: `at most ${REQUESTS_MAX} without a reply`,
      found: `${requests}`,
    });
  }
}
