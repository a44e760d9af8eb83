/**
 * One life of a connection to xenstore: requests and their replies.
 *
 *     request(id) --> transport --> reply(id), of the same type or ERROR --> who asked
 *                               --> WATCH_EVENT                          --> onEvent
 *                               --> anything else                        --> the end
 *
 * Replies are matched by their ids, in whatever order they come. xenstored answers within a millisecond, so one that answers nothing for a long
 * time, of all that it was asked, is not there any more: that ends the connection, and no late reply can be taken for another's. (Counted from
 * the last reply, for a queue may be long, and a machine slow: under emulation on a busy host a reply was seen to take 0.4 s.)
 */
import { errnoOf, StubferryError } from '../../base/errors/index.js';
import { openTransport } from './open-transport.js';
import type { Transport } from './transport.js';
import { encodeMessage, type Message, malformed, type RequestType } from './wire/message.js';
import { MessageReader } from './wire/message-reader.js';
import { refusalOf, type WatchEvent, watchEventOf } from './wire/replies.js';
import type { Request } from './wire/requests.js';

/** What xenstored answered: what was asked for, or the name of an errno, such as EACCES. */
export type Reply<T> = { readonly value: T } | { readonly refusal: string };

export interface ConnectionOptions {
  readonly path: string;
  /** For the next reply, while one is awaited, milliseconds. */
  readonly replyMs: number;
  onEvent(event: WatchEvent): void;
  /** Called once, when it is over and was not closed. */
  onEnd(reason: StubferryError): void;
}

interface Waiting {
  readonly type: RequestType;
  readonly transactionId: number;
  readonly message: Uint8Array;
  isSent: boolean;
  /** @throws StubferryError XENSTORE_PROTOCOL */
  accept(payload: Uint8Array): void;
  refuse(errno: string): void;
  fail(reason: StubferryError): void;
}

/** Requests without a reply at a time. xenstored itself takes 20 of a domain at once, and lets the others wait. */
const REQUESTS_MAX = 256;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #reader = new MessageReader();
  readonly #waiting = new Map<number, Waiting>();
  #transport: Transport | undefined;
  #over: StubferryError | undefined;
  #closing: Promise<void> | undefined;
  #lastId = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** @throws StubferryError XENSTORE_UNREACHABLE; the reason of an abort */
  static async open(options: ConnectionOptions, signal: AbortSignal): Promise<Connection> {
    const connection = new Connection(options);
    await connection.#connect(signal);
    return connection;
  }

  /** Why it is over; undefined while it is not. */
  get over(): StubferryError | undefined {
    return this.#over;
  }

  /** Whether, when it ends, another one can take its place. */
  get isReplaceable(): boolean {
    return this.#transport?.isReplaceable === true;
  }

  /**
   * @throws StubferryError XENSTORE_TIMEOUT, XENSTORE_GONE, XENSTORE_PROTOCOL; LIMIT_EXCEEDED for a payload that is too large, and
   *   for too many requests at once
   */
  async request<T>({ type, payload, parse }: Request<T>, transactionId = 0): Promise<Reply<T>> {
    if (this.#over !== undefined) throw this.#over;
    const transport = this.#transport;
    if (transport === undefined) throw gone(this.#options.path);
    checkLimits(this.#options.path, payload.length, transport.payloadMax, this.#waiting.size);
    const requestId = this.#nextId();
    const answer = new Promise<Reply<T>>((resolve, reject) => {
      this.#waiting.set(requestId, {
        type,
        transactionId,
        message: encodeMessage({ type, requestId, transactionId, payload }),
        isSent: false,
        accept: (reply) => resolve({ value: parse(reply) }),
        refuse: (refusal) => resolve({ refusal }),
        fail: reject,
      });
    });
    if (this.#waiting.size === 1) this.#timer = setTimeout(() => this.#late(), this.#options.replyMs);
    this.#sendNext(transport);
    return answer;
  }

  /** Ends it; requests without a reply fail with `reason`. Resolves when nothing of it is left open. */
  async close(reason: StubferryError): Promise<void> {
    this.#over ??= reason;
    for (const waiting of this.#waiting.values()) waiting.fail(reason);
    this.#waiting.clear();
    clearTimeout(this.#timer);
    this.#closing ??= this.#transport?.close();
    await this.#closing;
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { path } = this.#options;
    const onBytes = (chunk: Uint8Array): void => this.#arrived(chunk);
    const onEnd = (cause: unknown): void => this.#end(gone(path, cause));
    this.#transport = await openTransport(path, { onBytes, onEnd }, signal);
  }

  #arrived(chunk: Uint8Array): void {
    if (this.#over !== undefined) return;
    try {
      for (const message of this.#reader.push(chunk)) this.#heard(message);
    } catch (error) {
      this.#end(StubferryError.from(error).at(this.#options.path));
    }
  }

  /** @throws StubferryError XENSTORE_PROTOCOL */
  #heard({ type, requestId, transactionId, payload }: Message): void {
    if (type === 'WATCH_EVENT') {
      this.#options.onEvent(watchEventOf(payload));
      return;
    }
    const waiting = this.#waiting.get(requestId);
    if (waiting === undefined) throw malformed('a reply to a request', `${type} to one that was not made`);
    if ((type !== 'ERROR' && type !== waiting.type) || transactionId !== waiting.transactionId) {
      throw malformed(`a reply to ${waiting.type}`, `${type}, or of another transaction`);
    }
    if (type === 'ERROR') waiting.refuse(refusalOf(payload));
    else waiting.accept(payload);
    this.#forget(requestId);
  }

  /** Sends what may be sent now, in the order in which it was asked for. */
  #sendNext(transport: Transport): void {
    for (const [requestId, waiting] of this.#waiting) {
      if (!waiting.isSent) {
        waiting.isSent = true;
        transport.send(waiting.message).catch((cause: unknown) => {
          if (this.#waiting.has(requestId)) waiting.refuse(errnoOf(cause) ?? 'EIO');
          this.#forget(requestId);
        });
      }
      if (!transport.isPipelined) return;
    }
  }

  #forget(requestId: number): void {
    this.#waiting.delete(requestId);
    if (this.#waiting.size === 0) clearTimeout(this.#timer);
    else this.#timer?.refresh();
    if (this.#transport?.isPipelined === false && this.#over === undefined) this.#sendNext(this.#transport);
  }

  #late(): void {
    const { path, replyMs } = this.#options;
    const [oldest] = this.#waiting.values();
    const type = oldest?.type ?? '';
    this.#end(
      new StubferryError('XENSTORE_TIMEOUT', `xenstored did not answer ${type}`, {
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
    while (this.#waiting.has(this.#lastId));
    return this.#lastId;
  }
}

function gone(where: string, cause?: unknown): StubferryError {
  return new StubferryError('XENSTORE_GONE', 'the connection to xenstore was lost', {
    where,
    found: cause instanceof Error ? cause.message : 'end of file',
    hint: 'whether it has done what was asked for last is not known',
    cause,
  });
}

function checkLimits(where: string, length: number, payloadMax: number, requests: number): void {
  if (length > payloadMax) {
    throw new StubferryError('LIMIT_EXCEEDED', 'a request to xenstore is too long', {
      where,
      expected: `a path and a value of ${payloadMax} bytes at most`,
      found: `${length} bytes`,
    });
  }
  if (requests >= REQUESTS_MAX) {
    throw new StubferryError('LIMIT_EXCEEDED', 'too many requests to xenstore at once', {
      where,
      expected: `${REQUESTS_MAX} without a reply at most`,
      found: `${requests}`,
    });
  }
}
