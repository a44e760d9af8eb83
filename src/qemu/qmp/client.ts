/**
 * A QMP client: stubferry's own connection to a QEMU monitor.
 *
 *     connect --greeting--> negotiate --qmp_capabilities--> commands, replies, events ... --> closed
 *
 * Every command has an id, so the client matches replies to commands in any order of arrival. It validates every
 * message before it uses it, limits the length of a message, and discards events when no `onEvent` callback is given.
 */

import type { Socket } from 'node:net';
import { printable, StubferryError } from '../../base/errors/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
import { type ConnectOptions, connectSocket } from './connect.js';
import { parseServerMessage, type ServerMessage } from './message.js';
import { MessageSplitter, textOf } from './message-splitter.js';
import type { ExecuteOptions, Monitor } from './monitor.js';
import { PendingReplies } from './pending-replies.js';
import { monitorGone, notQmp } from './qmp-error.js';

/** The largest message accepted from QEMU, in bytes. The largest usual reply, to `query-qmp-schema`, has 230 KB. */
const MESSAGE_LIMIT = 4 * 1024 * 1024;

/** Options of {@link QmpClient.connect}. */
export interface QmpOptions extends ConnectOptions {
  /** Receives every event of QEMU. */
  readonly onEvent?: OnQmpEvent;
  /**
   * How long the greeting may take, in milliseconds, if this is longer than the default of 5 s. A QEMU that is still
   * starting creates its socket long before it serves it.
   */
  readonly greetingMs?: number;
}

/** Receives the name of an event and its `data`, which is undefined when the event has none. */
export type OnQmpEvent = (name: string, data: unknown) => void;

/** A connected and negotiated QMP client. */
export class QmpClient implements Monitor {
  readonly path: string;
  readonly #socket: Socket;
  readonly #splitter = new MessageSplitter(MESSAGE_LIMIT);
  readonly #replies: PendingReplies;
  readonly #onEvent: OnQmpEvent;
  readonly #ended: Promise<void>;
  #version: string | undefined;
  #greeted: () => void = () => undefined;
  #failed: (error: StubferryError) => void = () => undefined;
  #nextId = 1;

  private constructor(socket: Socket, path: string, onEvent: OnQmpEvent) {
    this.path = path;
    this.#socket = socket;
    this.#replies = new PendingReplies(path);
    this.#onEvent = onEvent;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (cause) => this.#end(monitorGone(path, this.#replies.oldest, cause)));
    this.#ended = new Promise((resolve) => {
      socket.on('close', () => {
        this.#end(monitorGone(path, this.#replies.oldest));
        resolve();
      });
    });
  }

  /**
   * Connects to the socket at `path` and negotiates the capabilities.
   * @throws StubferryError QMP_UNREACHABLE, QMP_PROTOCOL, QMP_TIMEOUT, QEMU_GONE, QEMU_REFUSED; the signal's reason
   * after an abort
   */
  static async connect(path: string, options: QmpOptions): Promise<QmpClient> {
    const socket = await connectSocket(path, options);
    const client = new QmpClient(socket, path, options.onEvent ?? (() => undefined));
    try {
      await client.#greeting(Math.max(options.greetingMs ?? 0, TIMEOUTS.qmpNegotiation), options.signal);
      await client.execute('qmp_capabilities', {}, { timeoutMs: TIMEOUTS.qmpNegotiation, signal: options.signal });
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  get qemuVersion(): string {
    return this.#version ?? '';
  }

  /** Resolves when either side has closed the connection. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  async execute(command: string, args: Readonly<Record<string, unknown>>, options: ExecuteOptions): Promise<unknown> {
    options.signal?.throwIfAborted();
    const id = `stubferry-${this.#nextId}`;
    this.#nextId += 1;
    const reply = this.#replies.wait(id, command, options);
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\r\n`);
    return reply;
  }

  /** Closes the connection. Commands that still wait for a reply fail with QEMU_GONE. */
  close(): void {
    this.#socket.destroy();
  }

  async #greeting(limitMs: number, signal: AbortSignal): Promise<void> {
    let onAbort: () => void = () => undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#greeted = resolve;
        this.#failed = reject;
        onAbort = () => reject(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        timer = setTimeout(() => reject(noGreeting(this.path, limitMs)), limitMs);
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #receive(chunk: Uint8Array): void {
    for (const fragment of this.#splitter.push(chunk)) {
      const text = textOf(fragment);
      const message = fragment.whole ? parseServerMessage(text) : undefined;
      if (message !== undefined) this.#dispatch(message);
      else if (fragment.whole || text.trim() !== '') this.#end(notQmp(this.path, describe(fragment.bytes, text)));
    }
  }

  #dispatch(message: ServerMessage): void {
    if (message.kind === 'greeting') {
      this.#version = message.version;
      this.#greeted();
    } else if (message.kind === 'event') {
      this.#onEvent(message.name, message.data);
    } else if (!this.#replies.settle(message)) {
      const found = message.kind === 'error' ? `the error: ${message.desc}` : 'a reply to no pending command';
      this.#end(notQmp(this.path, printable(found)));
    }
  }

  #end(error: StubferryError): void {
    this.#failed(error);
    this.#replies.close(error);
    this.#socket.destroy();
  }
}

function describe(bytes: Uint8Array, text: string): string {
  return bytes.length > MESSAGE_LIMIT
    ? `a message of more than ${MESSAGE_LIMIT} bytes`
    : JSON.stringify(printable(text, 80));
}

function noGreeting(path: string, limitMs: number): StubferryError {
  return new StubferryError('QMP_TIMEOUT', 'no QMP greeting', {
    where: path,
    expected: `a greeting within ${limitMs} ms`,
    found: 'none',
    hint: 'a monitor serves one client at a time: check whether another client is connected; otherwise QEMU is stuck',
  });
}
