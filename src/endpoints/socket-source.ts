/** A connected socket as the source of a state, such as that of a QEMU that migrates into it. */
import type { Socket } from 'node:net';
import { StubferryError } from '../errors/index.js';
import type { StateSource } from '../transfer/index.js';
import { unreadable } from './file-source.js';

interface Waiting {
  readonly into: Uint8Array;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

export class SocketSource implements StateSource {
  readonly #socket: Socket;
  /** What came and was not taken yet; the socket is paused as long as there is something. */
  #chunk: Uint8Array = new Uint8Array(0);
  #ended = false;
  #error: unknown;
  #waiting: Waiting | undefined;

  /** @param socket one that nothing was read of yet (`pauseOnConnect`); owned from here on */
  constructor(socket: Socket, path: string) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      socket.pause();
      this.#chunk = chunk;
      this.#serve();
    });
    socket.on('error', (cause) => {
      this.#error = unreadable(path, cause);
      this.#serve();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#serve();
    });
    socket.on('close', () => {
      if (!this.#ended) this.#error ??= new StubferryError('CANCELLED', 'the source was closed', { where: path });
      this.#serve();
    });
    socket.pause();
  }

  read(into: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (into.length === 0) throw new RangeError('nothing to read into');
      this.#waiting = { into, resolve, reject };
      this.#serve();
    });
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const count = Math.min(this.#chunk.length, waiting.into.length);
    if (count === 0 && this.#error === undefined && !this.#ended) {
      this.#socket.resume();
      return;
    }
    this.#waiting = undefined;
    if (count === 0 && this.#error !== undefined) {
      waiting.reject(this.#error);
      return;
    }
    waiting.into.set(this.#chunk.subarray(0, count));
    this.#chunk = this.#chunk.subarray(count);
    waiting.resolve(count);
  }

  async close(): Promise<void> {
    this.#socket.destroy();
  }
}
