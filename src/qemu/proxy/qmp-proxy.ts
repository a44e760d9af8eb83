/**
 * The QMP proxy. It listens on the socket that vchan-socket-proxy connects to, and connects to QEMU once for each
 * toolstack.
 *
 *     toolstack -> vchan-socket-proxy -> QMP proxy -> QEMU's monitor
 *
 * Like QEMU itself, it serves one toolstack at a time. QEMU lets a second client wait without a reply; the QMP proxy
 * sends it an error. A client that connects while the proxy still cleans up after the previous one waits for the
 * cleanup, up to a limit.
 */

import { lstat, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { errnoOf, StubferryError } from '../../base/errors/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
import { connectSocket } from '../qmp/connect.js';
import { invalidSocketPath } from '../qmp/socket-path.js';
import { type ListMedia, MediumChange } from './medium-change.js';
import { type OnSave, ProxySession } from './proxy-session.js';
import { errorReply } from './reply.js';

/** An event of a client; `idle` means that the proxy has disconnected a client that sent no more commands. */
export type ProxyEvents = 'connected' | 'disconnected' | 'refused' | 'idle';

/** Options of {@link QmpProxy.listen}. */
export interface ProxyOptions {
  /** The path of the socket to listen on. */
  readonly listen: string;
  /** The path of QEMU's monitor socket. */
  readonly qemu: string;
  /** Saves the devices' state. */
  readonly onSave: OnSave;
  /** Lists the disks that a toolstack may name by `stub-devid:`. The default is none. */
  readonly listMedia?: ListMedia;
  /** Receives the events of clients, for a log. */
  readonly onNews: (news: ProxyEvents) => void;
  /** How long QEMU's monitor may take to accept a connection, in milliseconds. */
  readonly waitMs: number;
  /** Until this resolves, another part of the agent uses QEMU's monitor, and a connected toolstack waits. */
  readonly opening?: Promise<void>;
}

/** A listening QMP proxy. */
export class QmpProxy {
  readonly #options: ProxyOptions;
  readonly #server: Server;
  /** Shared by all sessions: an fdset that one toolstack has removed stays removed for the next. */
  readonly #mediumChange: MediumChange;
  readonly #closing = new AbortController();
  #client: Socket | undefined;
  #session: ProxySession | undefined;
  /** Callbacks of the clients that wait for the present client to disconnect. */
  readonly #waitingClients = new Set<() => void>();
  /** Resolves when the last session has released QEMU; at first, when the first session may start. */
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

  /** Creates the socket and listens. @throws StubferryError PROXY_UNUSABLE */
  static async listen(options: ProxyOptions): Promise<QmpProxy> {
    const { listen } = options;
    const invalid = invalidSocketPath(listen);
    if (invalid !== undefined) throw unusable(listen, invalid);
    await removeStale(listen);
    const server = createServer({ pauseOnConnect: true });
    const proxy = new QmpProxy(server, options);
    await new Promise<void>((resolve, reject) => {
      server.once('listening', resolve);
      server.once('error', (cause) => reject(unusable(listen, errnoOf(cause) ?? cause.message, cause)));
      // A client of this socket has the toolstack's power over the guest. listen() creates the socket synchronously.
      const before = process.umask(0o177);
      server.listen(listen);
      process.umask(before);
    });
    return proxy;
  }

  /** Stops listening, aborts a running save with `reason`, and waits until QEMU is released. */
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
    // Starts to read into the stream's buffer: without a read, Node does not report that the client has disconnected.
    client.read(0);
    const { listen, onNews } = this.#options;
    const { signal } = this.#closing;
    if (this.#client !== undefined) await this.#untilFree();
    if (client.destroyed) return;
    if (this.#client !== undefined || signal.aborted) {
      onNews('refused');
      rejectClient(client, signal.aborted ? closing(listen) : busy(listen));
      return;
    }
    this.#client = client;
    const refuse = (): void => {
      onNews('refused');
      rejectClient(client, abandonedSave(listen));
    };
    const timer = this.#session === undefined ? undefined : setTimeout(refuse, TIMEOUTS.proxyCleanup);
    client.once('close', () => {
      clearTimeout(timer);
      this.#client = undefined;
      for (const wake of this.#waitingClients) wake();
      this.#waitingClients.clear();
    });
    const before = this.#before;
    this.#before = before.then(() => {
      clearTimeout(timer);
      return this.#serve(client);
    });
    await this.#before;
  }

  /** Resolves when the present client has disconnected, or after {@link TIMEOUTS.proxyDisconnect}. */
  async #untilFree(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, TIMEOUTS.proxyDisconnect);
      this.#waitingClients.add(() => {
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
      if (!client.destroyed) rejectClient(client, StubferryError.from(error));
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

/** Sends `error` to a client and disconnects it. */
function rejectClient(client: Socket, error: StubferryError): void {
  if (client.destroyed) return;
  client.resume();
  client.end(errorReply(error, undefined));
  const timer = setTimeout(() => client.destroy(), TIMEOUTS.proxyLastBytes);
  client.once('close', () => clearTimeout(timer));
}

/** Removes a socket without a listener, because it would prevent listening on the path. */
async function removeStale(path: string): Promise<void> {
  const present = await lstat(path).catch(() => undefined);
  if (present === undefined) return;
  if (!present.isSocket()) throw unusable(path, 'a file that is not a socket');
  const found = await new Promise<string>((resolve) => {
    const probe = createConnection(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve('another process that listens on this path');
    });
    probe.once('error', (cause) => resolve(errnoOf(cause) ?? cause.message));
  });
  if (found !== 'ECONNREFUSED') throw unusable(path, found);
  await unlink(path);
}

function unusable(path: string, found: string, cause?: unknown): StubferryError {
  return new StubferryError('PROXY_UNUSABLE', 'cannot listen for the toolstack', {
    where: path,
    expected: 'a path for a new unix socket, of at most 107 bytes',
    found,
    hint: 'end the process that uses it, or name another path with --qmp-proxy',
    cause,
  });
}

function busy(path: string): StubferryError {
  return new StubferryError('PROXY_UNUSABLE', 'another client is connected to this monitor; it serves one at a time', {
    where: path,
    hint: 'try again when the other client has disconnected',
  });
}

function abandonedSave(path: string): StubferryError {
  return new StubferryError('PROXY_UNUSABLE', 'the save of a disconnected client does not end', {
    where: path,
    expected: `the end of the save within ${TIMEOUTS.proxyCleanup} ms`,
    found: 'a save that still runs',
    hint: 'check the log of the stubdom agent; a restart of the agent releases the resources of the save',
  });
}

function closing(path: string): StubferryError {
  return new StubferryError('PROXY_UNUSABLE', 'the proxy is closing', { where: path });
}
