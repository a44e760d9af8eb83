/**
 * The QMP proxy: listens where the toolstack's proxy connects, and connects to QEMU for each toolstack that comes.
 *
 *     toolstack -> vchan-socket-proxy -> proxy -> QEMU's monitor
 *
 * One toolstack at a time, as with QEMU itself; but where a second one of QEMU's would wait without a word, a second one of the
 * proxy's is told so. One that comes while the proxy still cleans up after the last one waits for that, but not for ever.
 */
import { lstat, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { errnoOf, StubferryError } from '../../base/errors/index.js';
import { connectSocket } from '../qmp/connect.js';
import { invalidSocketPath } from '../qmp/socket-path.js';
import { type ListMedia, MediumChange } from './medium-change.js';
import { type OnSave, ProxySession } from './proxy-session.js';
import { errorReply } from './reply.js';

/** Who has come or gone; `idle` is one that was let go of, as it asked nothing more. */
export type ProxyEvents = 'connected' | 'disconnected' | 'refused' | 'idle';

export interface ProxyOptions {
  /** Path of the socket to listen on. */
  readonly listen: string;
  /** Path of QEMU's monitor. */
  readonly qemu: string;
  readonly onSave: OnSave;
  /** The disks that a toolstack may name by `stub-devid:`; without, there are none. */
  readonly listMedia?: ListMedia;
  /** What happens at the proxy, for a log. */
  readonly onNews: (news: ProxyEvents) => void;
  /** How long QEMU's monitor may take to be there, milliseconds. */
  readonly waitMs: number;
  /** Until this resolves, QEMU's monitor is needed by others, and a toolstack that has come waits. */
  readonly opening?: Promise<void>;
}

/**
 * A toolstack that closes one connection and makes the next at once (libxl does, four times around a save) may be seen coming
 * before it was seen going: so long a new client is kept waiting before it is refused, milliseconds.
 */
const DEPARTURE_MS = 500;

/**
 * For the save of a toolstack that has left to let go of QEMU and of its disk, milliseconds: more than its own limits let it take, so that
 * who waits hears of whatever has none.
 */
const CLEANUP_MS = 60_000;

/** A refused client has this long to read why, milliseconds. */
const FAREWELL_MS = 1_000;

export class QmpProxy {
  readonly #options: ProxyOptions;
  readonly #server: Server;
  /** What one toolstack has removed is removed for the next. */
  readonly #mediumChange: MediumChange;
  readonly #closing = new AbortController();
  #client: Socket | undefined;
  #session: ProxySession | undefined;
  /** Clients that wait for the one of now to be gone; called then. */
  readonly #newcomers = new Set<() => void>();
  /** Until the last session has let go of QEMU, or the first may begin. */
  #before: Promise<void>;

  private constructor(server: Server, options: ProxyOptions) {
    this.#server = server;
    this.#options = options;
    this.#mediumChange = new MediumChange(options.listMedia ?? (async () => []));
    const closing = new Promise<void>((resolve) => {
      this.#closing.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#before = Promise.race([options.opening ?? Promise.resolve(), closing]);
    server.on('connection', (client) => void this.#admit(client));
  }

  /** @throws StubferryError GATE_UNUSABLE */
  static async listen(options: ProxyOptions): Promise<QmpProxy> {
    const { listen } = options;
    const unfit = invalidSocketPath(listen);
    if (unfit !== undefined) throw unusable(listen, unfit);
    await removeStale(listen);
    const server = createServer({ pauseOnConnect: true });
    const proxy = new QmpProxy(server, options);
    await new Promise<void>((resolve, reject) => {
      server.once('listening', resolve);
      server.once('error', (cause) => reject(unusable(listen, errnoOf(cause) ?? cause.message, cause)));
      // Whoever can connect here can do with the guest what the toolstack can. The socket is made within this call.
      const before = process.umask(0o177);
      server.listen(listen);
      process.umask(before);
    });
    return proxy;
  }

  /** Stops listening, ends a save that is under way with `reason`, and waits until QEMU is let go of. */
  async close(reason: StubferryError): Promise<void> {
    this.#closing.abort(reason);
    this.#session?.end(reason);
    if (this.#session === undefined) this.#client?.destroy();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await this.#before;
    await closed;
  }

  async #admit(client: Socket): Promise<void> {
    client.on('error', () => client.destroy());
    // Reads ahead a little, and keeps it: of a socket that is not read of, nobody hears that its client has left.
    client.read(0);
    const { listen, onNews } = this.#options;
    const { signal } = this.#closing;
    if (this.#client !== undefined) await this.#untilFree();
    if (client.destroyed) return;
    if (this.#client !== undefined || signal.aborted) {
      onNews('refused');
      farewell(client, signal.aborted ? closing(listen) : busy(listen));
      return;
    }
    this.#client = client;
    const refuse = (): void => {
      onNews('refused');
      farewell(client, deserted(listen));
    };
    const timer = this.#session === undefined ? undefined : setTimeout(refuse, CLEANUP_MS);
    client.once('close', () => {
      clearTimeout(timer);
      this.#client = undefined;
      for (const wake of this.#newcomers) wake();
      this.#newcomers.clear();
    });
    const before = this.#before;
    this.#before = before.then(() => {
      clearTimeout(timer);
      return this.#serve(client);
    });
    await this.#before;
  }

  /** Resolves when the client of now is gone, or after the time that its going may take to be seen. */
  async #untilFree(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, DEPARTURE_MS);
      this.#newcomers.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #serve(client: Socket): Promise<void> {
    const { qemu, onSave, onNews, waitMs } = this.#options;
    if (client.destroyed || client.writableEnded) return;
    const left = new AbortController();
    client.once('close', () => left.abort());
    let monitor: Socket;
    try {
      const signal = AbortSignal.any([this.#closing.signal, left.signal]);
      monitor = await connectSocket(qemu, { signal, waitMs });
    } catch (error) {
      if (!client.destroyed) farewell(client, StubferryError.from(error));
      return;
    }
    if (client.destroyed) {
      monitor.destroy();
      return;
    }
    onNews('connected');
    this.#session = new ProxySession(client, monitor, qemu, {
      onSave,
      mediumChange: this.#mediumChange,
      onIdle: () => onNews('idle'),
    });
    if (this.#closing.signal.aborted) this.#session.end(this.#closing.signal.reason);
    await this.#session.ended;
    this.#session = undefined;
    onNews('disconnected');
  }
}

function farewell(client: Socket, error: StubferryError): void {
  if (client.destroyed) return;
  client.resume();
  client.end(errorReply(error, undefined));
  const timer = setTimeout(() => client.destroy(), FAREWELL_MS);
  client.once('close', () => clearTimeout(timer));
}

/** A socket that nobody listens on any more stands in the way of a new one. */
async function removeStale(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) throw unusable(path, 'something else than a socket there');
  const answer = await new Promise<string>((resolve) => {
    const probe = createConnection(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve('another process that listens there');
    });
    probe.once('error', (cause) => resolve(errnoOf(cause) ?? cause.message));
  });
  if (answer !== 'ECONNREFUSED') throw unusable(path, answer);
  await unlink(path);
}

function unusable(path: string, found: string, cause?: unknown): StubferryError {
  return new StubferryError('GATE_UNUSABLE', 'cannot listen for the toolstack', {
    where: path,
    expected: 'a path for a new unix socket, of at most 107 bytes',
    found,
    hint: 'end the process that uses it, or name another path with --qmp-proxy',
    cause,
  });
}

function busy(path: string): StubferryError {
  return new StubferryError('GATE_UNUSABLE', 'another client is connected to this monitor; it serves one at a time', {
    where: path,
    hint: 'try again when the other one is done',
  });
}

function deserted(path: string): StubferryError {
  return new StubferryError('GATE_UNUSABLE', 'the save of a client that has left does not end', {
    where: path,
    expected: `its end within ${CLEANUP_MS} ms`,
    found: 'none',
    hint: "see the log of the stubdom's agent; started again, it lets go of what that save holds",
  });
}

function closing(path: string): StubferryError {
  return new StubferryError('GATE_UNUSABLE', 'the proxy is closing', { where: path });
}
