/**
 * A FIFO, pipe or socket as the source of a state.
 *
 * Read by the event loop (epoll), not by `fs.read`: a read of a FIFO that nobody writes to would hold one of libuv's
 * four threads until somebody does, could not be cancelled, and would keep the process from ending. The price is one
 * copy of 64 KiB, which is what a pipe holds.
 */
import { close } from 'node:fs';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { promisify } from 'node:util';
import { StubferryError } from '../errors/index.js';
import type { StateSource } from '../transfer/index.js';
import { unreadable } from './file-source.js';

const PIPE_CAPACITY = 64 * 1024;

interface Waiting {
  readonly into: Uint8Array;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

export class PipeSource implements StateSource {
  readonly #fd: number;
  readonly #path: string;
  #socket: Socket | undefined;
  readonly #buffer = new Uint8Array(PIPE_CAPACITY);
  #from = 0;
  #to = 0;
  #ended = false;
  #closed = false;
  #error: unknown;
  #waiting: Waiting | undefined;

  /** @param fd a descriptor that can be polled; owned from here on. Nothing is taken from it before the first read. */
  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  read(into: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (into.length === 0) throw new RangeError('nothing to read into');
      this.#socket ??= this.#open();
      this.#waiting = { into, resolve, reject };
      this.#serve();
    });
  }

  #open(): Socket {
    const onread: OnReadOpts = { buffer: this.#buffer, callback: (count) => this.#arrived(count) };
    // `onread` is documented for every new socket; the type of the constructor's options lacks it.
    const options: SocketConstructorOpts & { onread: OnReadOpts } = {
      fd: this.#fd,
      readable: true,
      writable: false,
      onread,
    };
    const socket = new Socket(options);
    socket.on('error', (cause) => {
      this.#error = unreadable(this.#path, cause);
      this.#serve();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#serve();
    });
    socket.on('close', () => {
      if (!this.#ended) this.#error ??= new StubferryError('CANCELLED', 'the source was closed', { where: this.#path });
      this.#serve();
    });
    return socket;
  }

  /** Called by the event loop with `count` new bytes at the start of the buffer; false stops the reading. */
  #arrived(count: number): boolean {
    this.#from = 0;
    this.#to = count;
    this.#serve();
    return this.#from === this.#to && this.#waiting !== undefined;
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const count = Math.min(this.#to - this.#from, waiting.into.length);
    if (count === 0 && this.#error === undefined && !this.#ended) {
      this.#socket?.resume();
      return;
    }
    this.#waiting = undefined;
    if (count === 0 && this.#error !== undefined) {
      waiting.reject(this.#error);
      return;
    }
    waiting.into.set(this.#buffer.subarray(this.#from, this.#from + count));
    this.#from += count;
    waiting.resolve(count);
  }

  async close(): Promise<void> {
    const wasOpen = !this.#closed;
    this.#closed = true;
    if (this.#socket !== undefined) this.#socket.destroy();
    else if (wasOpen) await promisify(close)(this.#fd);
  }
}
