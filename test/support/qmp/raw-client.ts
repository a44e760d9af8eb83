/** A toolstack's connection to a monitor, at the level of bytes. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { until } from './until.js';

export class RawClient {
  readonly socket: Socket;
  readonly #received: Buffer[] = [];
  #receivedBytes = 0;
  #ended = false;
  #sentBytes = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#received.push(chunk);
      this.#receivedBytes += chunk.length;
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

  /** All bytes received so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.#received, this.#receivedBytes);
  }

  get text(): string {
    return this.bytes.toString();
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The number of sent bytes that the socket has accepted. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Whether the other side has closed the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The complete lines received so far, without the greeting. */
  get lines(): string[] {
    return this.text
      .split('\r\n')
      .slice(0, -1)
      .filter((line) => !line.startsWith('{"QMP"'));
  }

  /** Sends `bytes`; with `chunkBytes`, that many at a time, with an event-loop yield after each chunk. */
  async send(bytes: string | Uint8Array, chunkBytes?: number): Promise<void> {
    const all = Buffer.from(bytes);
    const step = chunkBytes ?? Math.max(all.length, 1);
    for (let at = 0; at < all.length; at += step) {
      if (!this.socket.write(all.subarray(at, at + step))) await once(this.socket, 'drain');
      this.#sentBytes += Math.min(step, all.length - at);
      await nextTurn();
    }
  }

  /** Sends a command in the format of libxl. */
  command(name: string, args: object | undefined, id: unknown): Promise<void> {
    return this.send(`${JSON.stringify({ execute: name, id, arguments: args })}\r\n`);
  }

  /** Resolves when `text` was received. */
  async receives(text: string): Promise<void> {
    await until(() => this.text.includes(text));
  }

  async untilEnded(): Promise<void> {
    await until(() => this.#ended);
  }

  leave(): void {
    this.socket.destroy();
  }
}
