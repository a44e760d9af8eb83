/**
 * One connection to a QMP socket, and nothing of the program's: messages as they come, lines as they are sent.
 *
 * Tests speak to QEMU through this, and to whatever stands before QEMU, so that the program's own QMP code is
 * never its own witness.
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
  /** Every line received so far, as it was, events as well. */
  readonly lines: string[] = [];
  readonly events: Message[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#messages = createInterface({ input: socket })[Symbol.asyncIterator]();
    socket.on('error', () => undefined); // The reader of messages hears of it as the end.
  }

  /** Connects; waits for a socket that is not there yet while `alive()`. */
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

  /** The next message of any sort, or undefined when the other side has hung up. */
  async next(): Promise<Message | undefined> {
    const line = await this.#messages.next().catch(() => ({ value: '', done: true }));
    if (line.done === true) return undefined;
    this.lines.push(line.value);
    const message = JSON.parse(line.value) as Message;
    if (message.event !== undefined) this.events.push(message);
    return message;
  }

  /** The next message that is no event. */
  async reply(): Promise<Message | undefined> {
    for (;;) {
      const message = await this.next();
      if (message?.event === undefined) return message;
    }
  }

  /** Sends bytes as they are; with `piece`, that many at a time and a moment between. */
  async send(text: string, piece = text.length, pauseMs = 2): Promise<void> {
    for (let at = 0; at < text.length; at += piece) {
      if (at > 0) await delay(pauseMs);
      this.#socket.write(text.slice(at, at + piece));
    }
  }

  disconnect(): void {
    this.#socket.destroy();
  }
}
