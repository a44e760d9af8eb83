/**
 * A FIFO, pipe or socket as the source of a state.
 *
 * Read by the event loop (epoll), not by `fs.read`: a read of a FIFO that nobody writes to would hold one of libuv's
 * four threads until somebody does, could not be cancelled, and would keep the process from ending.
 *
 *     nothing there ---event loop---> the first 64 KiB ---readSync---> what else is there, or the end ---> nothing there
 *
 * The descriptor never blocks, so what the loop did not bring is taken straight into its place, and the end of a state is seen at
 * once: the next turn of the loop would tell of it 0.3 to 0.7 ms later.
 */
import { close, readSync } from 'node:fs';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { promisify } from 'node:util';
import { errnoOf, StubferryError } from '../errors/index.js';
import type { StateSource } from '../transfer/index.js';
import { unreadable } from './file-source.js';

const PIPE_CAPACITY = 64 * 1024;

/** After so many reads without a turn of the event loop it gets one: a writer that is always a little ahead must not stop all else. */
const READS_AT_ONCE = 16;

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
  /** Reads that the loop did not bring, since its last turn. Before its first bytes, a FIFO without a writer would look like its end. */
  #atOnce = READS_AT_ONCE;
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
    this.#atOnce = 0;
    this.#serve();
    return this.#from === this.#to && this.#waiting !== undefined;
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const { into } = waiting;
    let count = Math.min(this.#to - this.#from, into.length);
    into.set(this.#buffer.subarray(this.#from, this.#from + count));
    this.#from += count;
    count += this.#readAtOnce(into.subarray(count));
    if (count === 0 && this.#error === undefined && !this.#ended) {
      this.#socket?.resume();
      return;
    }
    this.#waiting = undefined;
    if (count === 0 && this.#error !== undefined) {
      waiting.reject(this.#error);
      return;
    }
    waiting.resolve(count);
  }

  /** Takes what is there; 0 for nothing, or for an end or error that is noted. */
  #readAtOnce(into: Uint8Array): number {
    let filled = 0;
    while (filled < into.length && this.#mayReadAtOnce()) {
      this.#atOnce += 1;
      try {
        const count = readSync(this.#fd, into, filled, into.length - filled, null);
        if (count === 0) this.#ended = true;
        filled += count;
      } catch (cause) {
        if (errnoOf(cause) === 'EAGAIN') break;
        this.#error = unreadable(this.#path, cause);
      }
    }
    return filled;
  }

  /** A socket that is destroyed has closed the descriptor: its number may be another's by now. */
  #mayReadAtOnce(): boolean {
    const isOpen = this.#socket?.destroyed === false && !this.#closed;
    return isOpen && !this.#ended && this.#error === undefined && this.#atOnce < READS_AT_ONCE;
  }

  async close(): Promise<void> {
    const wasOpen = !this.#closed;
    this.#closed = true;
    if (this.#socket !== undefined) this.#socket.destroy();
    else if (wasOpen) await promisify(close)(this.#fd);
  }
}
