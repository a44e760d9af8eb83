/**
 * A connection to a QMP socket, without code of the program: it returns messages as they arrive and sends lines
 * unchanged.
 *
 * Tests use it to talk to QEMU or to a proxy in front of QEMU, so that the program's QMP code is not tested against
 * itself.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** Any message: the greeting, a reply or an event. */
export interface Message {
  readonly QMP?: { readonly version: { readonly qemu: { major: number; minor: number; micro: number } } };
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly id?: unknown;
  readonly event?: string;
  readonly data?: unknown;
}

const CONNECT_MS = 10_000;

export class QmpConnection {
  readonly #socket: Socket;
  readonly #messages: AsyncIterator<string>;
  /** All lines received so far, unchanged, including events. */
  readonly lines: string[] = [];
  readonly events: Message[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#messages = createInterface({ input: socket })[Symbol.asyncIterator]();
    socket.on('error', () => undefined); // The reader of messages sees an error as the end.
  }

  /** Connects. Waits for a missing socket while `alive()` returns true. */
  static async open(path: string, alive: () => boolean = () => true): Promise<QmpConnection> {
    const deadline = Date.now() + CONNECT_MS;
    for (;;) {
      const socket = connect({ path });
      try {
        await once(socket, 'connect');
        return new QmpConnection(socket);
      } catch (error) {
        if (!alive() || Date.now() > deadline) throw new Error(`cannot connect to ${path}`, { cause: error });
        await delay(5);
      }
    }
  }

  /** The next message of any kind; undefined when the other side has closed the connection. */
  async next(): Promise<Message | undefined> {
    const line = await this.#messages.next().catch(() => ({ value: '', done: true }));
    if (line.done === true) return undefined;
    this.lines.push(line.value);
    const message = JSON.parse(line.value) as Message;
    if (message.event !== undefined) this.events.push(message);
    return message;
  }

  /** The next message that is not an event. */
  async reply(): Promise<Message | undefined> {
    for (;;) {
      const message = await this.next();
      if (message?.event === undefined) return message;
    }
  }

  /** Sends text unchanged; with `chunkBytes`, that many bytes at a time with a pause in between. */
  async send(text: string, chunkBytes = text.length, pauseMs = 2): Promise<void> {
    for (let at = 0; at < text.length; at += chunkBytes) {
      if (at > 0) await delay(pauseMs);
      this.#socket.write(text.slice(at, at + chunkBytes));
    }
  }

  disconnect(): void {
    this.#socket.destroy();
  }
}
