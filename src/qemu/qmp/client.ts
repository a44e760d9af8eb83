/**
 * A QMP connection of our own.
 *
 *     connect --greeting--> negotiate --qmp_capabilities--> commands, replies, events ... --> closed
 *
 * Every command has an id, so that replies find their command in whatever order they come. What is said is checked before it
 * is believed; a message has a limit, and nothing is kept of events that nobody listens to.
 */
import type { Socket } from 'node:net';
import { printable, StubferryError } from '../../base/errors/index.js';
import { type ConnectOptions, connectSocket } from './connect.js';
import { parseServerMessage, type ServerMessage } from './message.js';
import { MessageSplitter, textOf } from './message-splitter.js';
import type { AskOptions, Monitor } from './monitor.js';
import { PendingReplies } from './pending-replies.js';
import { monitorGone, notQmp } from './qmp-error.js';

/** Largest message taken from QEMU, bytes. `query-qmp-schema`, the largest that is usual, has 230 KB. */
const MESSAGE_LIMIT = 4 * 1024 * 1024;

/** For the greeting and the negotiation, milliseconds. */
const NEGOTIATION_MS = 5_000;

export interface QmpOptions extends ConnectOptions {
  readonly onEvent?: OnQmpEvent;
  /** For the greeting of a QEMU that is still starting, milliseconds, if that is longer: it makes its socket long before it listens to it. */
  readonly greetingMs?: number;
}

export type OnQmpEvent = (name: string, data: unknown) => void;

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
    socket.on('data', (chunk) => this.#arrived(chunk));
    socket.on('error', (cause) => this.#end(monitorGone(path, this.#replies.oldest, cause)));
    this.#ended = new Promise((resolve) => {
      socket.on('close', () => {
        this.#end(monitorGone(path, this.#replies.oldest));
        resolve();
      });
    });
  }

  /**
   * Connects and negotiates.
   * @throws StubferryError QMP_UNREACHABLE, QMP_PROTOCOL, QMP_TIMEOUT, QEMU_GONE; the reason of an abort
   */
  static async connect(path: string, options: QmpOptions): Promise<QmpClient> {
    const socket = await connectSocket(path, options);
    const client = new QmpClient(socket, path, options.onEvent ?? (() => undefined));
    try {
      await client.#greeting(Math.max(options.greetingMs ?? 0, NEGOTIATION_MS), options.signal);
      await client.ask('qmp_capabilities', {}, { timeoutMs: NEGOTIATION_MS, signal: options.signal });
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  get qemuVersion(): string {
    return this.#version ?? '';
  }

  /** Resolves when the connection is over, from whichever side. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  async ask(command: string, args: Readonly<Record<string, unknown>>, options: AskOptions): Promise<unknown> {
    options.signal?.throwIfAborted();
    const id = `stubferry-${this.#nextId}`;
    this.#nextId += 1;
    const reply = this.#replies.wait(id, command, options);
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\r\n`);
    return reply;
  }

  /** Ends the connection; commands without a reply fail. */
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

  #arrived(chunk: Uint8Array): void {
    for (const fragment of this.#splitter.push(chunk)) {
      const text = textOf(fragment);
      const message = fragment.whole ? parseServerMessage(text) : undefined;
      if (message !== undefined) this.#heard(message);
      else if (fragment.whole || text.trim() !== '') this.#end(notQmp(this.path, describe(fragment.bytes, text)));
    }
  }

  #heard(message: ServerMessage): void {
    if (message.kind === 'greeting') {
      this.#version = message.version;
      this.#greeted();
    } else if (message.kind === 'event') {
      this.#onEvent(message.name, message.data);
    } else if (!this.#replies.settle(message)) {
      const said = message.kind === 'error' ? `the error: ${message.desc}` : 'a reply to a command that was not given';
      this.#end(notQmp(this.path, printable(said)));
    }
  }

  #end(error: StubferryError): void {
    this.#failed(error);
    this.#replies.close(error);
    this.#socket.destroy();
  }
}

function describe(bytes: Uint8Array, text: string): string {
  return bytes.length > MESSAGE_LIMIT ? `a message beyond ${MESSAGE_LIMIT} bytes` : JSON.stringify(printable(text, 80));
}

function noGreeting(path: string, limitMs: number): StubferryError {
  return new StubferryError('QMP_TIMEOUT', "QEMU's monitor does not greet", {
    where: path,
    expected: `a greeting within ${limitMs} ms`,
    found: 'none',
    hint: 'a monitor serves one client at a time: is another one connected? Else QEMU is stuck',
  });
}
