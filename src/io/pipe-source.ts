/**
 * A FIFO, pipe or socket as the source of a state: one that this process has open, or one that Node has accepted, such as that of a
 * QEMU that migrates into it.
 *
 * Read by the event loop (epoll), not by `fs.read`: a read of a FIFO that nobody writes to would hold one of libuv's
 * four threads until somebody does, could not be cancelled, and would keep the process from ending.
 *
 *     nothing there ---event loop---> the first 64 KiB ---readSync---> what else is there, or the end ---> nothing there
 *
 * The descriptor never blocks, so what the loop did not bring is taken straight into its place, and the end of a state is seen at
 * once: the next turn of the loop would tell of it 0.3 to 0.7 ms later. A machine with 257 MiB of RAM, which a QEMU sends as fast as it can,
 * takes 1.0 to 1.4 s so where it took 1.6 to 2.0 by the loop alone, and the agents half of the processor time.
 */
import { close, readSync } from 'node:fs';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { promisify } from 'node:util';
import { errnoOf, StubferryError } from '../base/errors/index.js';
import type { StateSource } from '../formats/state-source.js';
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
  /** Undefined where Node does not tell it. */
  readonly #fd: number | undefined;
  readonly #path: string;
  readonly #open: () => Socket;
  #socket: Socket | undefined;
  /** What the loop brought and was not taken yet; it brings no more as long as there is something. */
  #chunk: Uint8Array = new Uint8Array(0);
  #ended = false;
  /** Reads that the loop did not bring, since its last turn. Before its first bytes, a FIFO without a writer would look like its end. */
  #synchronous = READS_AT_ONCE;
  #closed = false;
  #error: unknown;
  #waiting: Waiting | undefined;

  private constructor(path: string, fd: number | undefined, open: () => Socket) {
    this.#path = path;
    this.#fd = fd;
    this.#open = open;
  }

  /** @param fd one that can be polled; owned from here on. Nothing is taken from it before the first read. */
  static of(fd: number, path: string): PipeSource {
    const source: PipeSource = new PipeSource(path, fd, () => polled(fd, (chunk) => source.#arrived(chunk)));
    return source;
  }

  /** @param socket one that nothing was read of yet (`pauseOnConnect`); owned from here on */
  static ofSocket(socket: Socket, path: string): PipeSource {
    const source = new PipeSource(path, descriptorOf(socket), () => socket);
    socket.on('data', (chunk) => {
      if (!source.#arrived(chunk)) socket.pause();
    });
    source.#follow();
    return source;
  }

  read(into: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (into.length === 0) throw new RangeError('nothing to read into');
      this.#follow();
      this.#waiting = { into, resolve, reject };
      this.#serve();
    });
  }

  #follow(): void {
    if (this.#socket !== undefined) return;
    this.#socket = this.#open();
    this.#socket.on('error', (cause) => {
      this.#error = unreadable(this.#path, cause);
      this.#serve();
    });
    this.#socket.on('end', () => {
      this.#ended = true;
      this.#serve();
    });
    this.#socket.on('close', () => {
      if (!this.#ended) this.#error ??= new StubferryError('CANCELLED', 'the source was closed', { where: this.#path });
      this.#serve();
    });
  }

  /** Called by the event loop with what has come; false stops the reading. */
  #arrived(chunk: Uint8Array): boolean {
    this.#chunk = chunk;
    this.#synchronous = 0;
    this.#serve();
    return this.#chunk.length === 0 && this.#waiting !== undefined;
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const { into } = waiting;
    let count = Math.min(this.#chunk.length, into.length);
    into.set(this.#chunk.subarray(0, count));
    this.#chunk = this.#chunk.subarray(count);
    count += this.#readSynchronously(into.subarray(count));
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
  #readSynchronously(into: Uint8Array): number {
    const fd = this.#fd;
    let filled = 0;
    while (fd !== undefined && filled < into.length && this.#mayReadAtOnce()) {
      this.#synchronous += 1;
      try {
        const count = readSync(fd, into, filled, into.length - filled, null);
        if (count === 0) this.#ended = true;
        filled += count;
      } catch (cause) {
        if (errnoOf(cause) === 'EAGAIN') break;
        this.#error = unreadable(this.#path, cause);
      }
    }
    return filled;
  }

  /**
   * A socket that is destroyed has closed the descriptor: its number may be another's by now. And what Node has read of an accepted one
   * comes before what is still in it.
   */
  #mayReadAtOnce(): boolean {
    const socket = this.#socket;
    const isOpen = socket?.destroyed === false && !this.#closed && socket.readableLength === 0;
    return isOpen && !this.#ended && this.#error === undefined && this.#synchronous < READS_AT_ONCE;
  }

  async close(): Promise<void> {
    const wasOpen = !this.#closed;
    this.#closed = true;
    if (this.#socket !== undefined) this.#socket.destroy();
    else if (wasOpen && this.#fd !== undefined) await promisify(close)(this.#fd);
  }
}

/** @param arrived called with what the loop has read; false stops it */
function polled(fd: number, arrived: (chunk: Uint8Array) => boolean): Socket {
  const buffer = new Uint8Array(PIPE_CAPACITY);
  const onread: OnReadOpts = { buffer, callback: (count) => arrived(buffer.subarray(0, count)) };
  // `onread` is documented for every new socket; the type of the constructor's options lacks it.
  const options: SocketConstructorOpts & { onread: OnReadOpts } = { fd, readable: true, writable: false, onread };
  return new Socket(options);
}

/** Of a socket that Node has accepted: it keeps the number in a place that is not documented. Without it all goes by the loop. */
function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}
