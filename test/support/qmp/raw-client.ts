/** A toolstack's end of a monitor, as bare bytes. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { until } from './until.js';

export class RawClient {
  readonly socket: Socket;
  readonly #heard: Buffer[] = [];
  #heardBytes = 0;
  #ended = false;
  #sentBytes = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#heard.push(chunk);
      this.#heardBytes += chunk.length;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
    });
  }

  static async connect(path: string): Promise<RawClient> {
    const socket = createConnection(path);
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /** All that came so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.#heard, this.#heardBytes);
  }

  get text(): string {
    return this.bytes.toString();
  }

  get heardBytes(): number {
    return this.#heardBytes;
  }

  /** Bytes that the socket took of what was sent. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** The other side has closed the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Complete lines so far, without the greeting. */
  get lines(): string[] {
    return this.text
      .split('\r\n')
      .slice(0, -1)
      .filter((line) => !line.startsWith('{"QMP"'));
  }

  /** Sends `bytes` as they are; with `pieceBytes` so many at once, and a turn of the event loop between. */
  async send(bytes: string | Uint8Array, pieceBytes?: number): Promise<void> {
    const all = Buffer.from(bytes);
    const step = pieceBytes ?? Math.max(all.length, 1);
    for (let at = 0; at < all.length; at += step) {
      if (!this.socket.write(all.subarray(at, at + step))) await once(this.socket, 'drain');
      this.#sentBytes += Math.min(step, all.length - at);
      await nextTurn();
    }
  }

  /** A command of the toolstack's, as libxl writes it. */
  command(name: string, args: object | undefined, id: unknown): Promise<void> {
    return this.send(`${JSON.stringify({ execute: name, id, arguments: args })}\r\n`);
  }

  /** Resolves when `text` has come. */
  async hears(text: string): Promise<void> {
    await until(() => this.text.includes(text));
  }

  async untilEnded(): Promise<void> {
    await until(() => this.#ended);
  }

  leave(): void {
    this.socket.destroy();
  }
}
