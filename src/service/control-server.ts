/** The control socket of dom0's agent. */
import { createServer, type Socket } from 'node:net';
import { messageOf, StubferryError } from '../base/errors/index.js';
import { type ControlRequest, controlRequest, LONGEST_REQUEST, type ServiceStatus } from './control-protocol.js';
import type { Dom0Service } from './dom0-service.js';
import { listenAlone } from './own-socket.js';

/** Clients at a time. */
const MOST_CLIENTS = 64;

/** For a client to say what it wants, milliseconds. */
const REQUEST_MS = 5_000;

/** What a follower may leave unread, bytes: then it is disconnected. */
const MOST_UNREAD = 4 * 1024 * 1024;

export class ControlServer {
  readonly #clients: ReadonlySet<Socket>;
  readonly #end: () => Promise<void>;

  private constructor(clients: ReadonlySet<Socket>, end: () => Promise<void>) {
    this.#clients = clients;
    this.#end = end;
  }

  /** @throws StubferryError DESTINATION_UNWRITABLE */
  static async listen(path: string, service: Dom0Service, status: () => ServiceStatus): Promise<ControlServer> {
    const clients = new Set<Socket>();
    const server = createServer((client) => {
      clients.add(client);
      client.on('close', () => clients.delete(client));
      client.on('error', () => client.destroy());
      serve(client, service, status);
    });
    server.maxConnections = MOST_CLIENTS;
    return new ControlServer(clients, await listenAlone(server, path));
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.#end();
  }
}

function serve(client: Socket, service: Dom0Service, status: () => ServiceStatus): void {
  let text = '';
  client.setEncoding('utf8');
  client.setTimeout(REQUEST_MS, () => client.destroy());
  const onData = (chunk: string): void => {
    text += chunk;
    const end = text.indexOf('\n');
    if (end === -1 && text.length <= LONGEST_REQUEST) return;
    client.off('data', onData);
    client.setTimeout(0);
    void answer(client, end === -1 ? '' : text.slice(0, end), service, status);
  };
  client.on('data', onData);
}

async function answer(client: Socket, line: string, service: Dom0Service, status: () => ServiceStatus): Promise<void> {
  try {
    const request = parse(line);
    if (request.command === 'follow') {
      follow(client, service);
      return;
    }
    client.end(`${JSON.stringify({ ok: await perform(request, service, status) })}\n`);
  } catch (cause) {
    client.end(`${JSON.stringify({ error: StubferryError.from(cause).report() })}\n`);
  }
}

function parse(line: string): ControlRequest {
  try {
    return controlRequest.parse(JSON.parse(line));
  } catch (cause) {
    throw new StubferryError('USAGE', "dom0's agent does not understand the request", {
      expected: `one JSON document on a line of at most ${LONGEST_REQUEST} bytes`,
      found: messageOf(cause).slice(0, 200),
      hint: 'is the agent of the same version as this command? see: stubferry status',
    });
  }
}

function perform(
  request: Exclude<ControlRequest, { command: 'follow' }>,
  service: Dom0Service,
  status: () => ServiceStatus,
): unknown {
  switch (request.command) {
    case 'status':
      return status();
    case 'transfers':
      return service.transfers;
    case 'abort':
      return service.abort(request.transfer.toLowerCase());
    case 'gc':
      return service.collectGarbage(request);
    case 'prepare':
      return service.prepare(request.target);
  }
}

function follow(client: Socket, service: Dom0Service): void {
  const send = (view: unknown): void => {
    client.write(`${JSON.stringify({ ok: view })}\n`);
    if (client.writableLength > MOST_UNREAD) client.destroy();
  };
  for (const view of service.transfers) send(view);
  client.on('close', service.follow(send));
}
