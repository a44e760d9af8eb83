/** The server side of the control socket, in the stubferry service. */

import { createServer, type Socket } from 'node:net';
import { messageOf, StubferryError } from '../base/errors/index.js';
import { TIMEOUTS } from '../base/time/timeouts.js';
import { type ControlRequest, controlRequest, MAX_REQUEST_BYTES, type ServiceStatus } from './control-protocol.js';
import type { Dom0Service } from './dom0-service.js';
import { listenExclusively } from './own-socket.js';

/** The maximum number of connected clients. */
const MAX_CLIENTS = 64;

/** How many bytes a subscriber may leave unread. The server disconnects a subscriber that exceeds it. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/** The control socket of a service. */
export class ControlServer {
  readonly #clients: ReadonlySet<Socket>;
  readonly #end: () => Promise<void>;

  private constructor(clients: ReadonlySet<Socket>, end: () => Promise<void>) {
    this.#clients = clients;
    this.#end = end;
  }

  /**
   * Creates the socket at `path` and serves requests on it.
   *
   * @param status returns the present status of the service
   * @throws StubferryError DESTINATION_UNWRITABLE: when the socket cannot be created
   */
  static async listen(path: string, service: Dom0Service, status: () => ServiceStatus): Promise<ControlServer> {
    const clients = new Set<Socket>();
    const server = createServer((client) => {
      clients.add(client);
      client.on('close', () => clients.delete(client));
      client.on('error', () => client.destroy());
      serve(client, service, status);
    });
    server.maxConnections = MAX_CLIENTS;
    return new ControlServer(clients, await listenExclusively(server, path));
  }

  /** Disconnects all clients and removes the socket. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.#end();
  }
}

function serve(client: Socket, service: Dom0Service, status: () => ServiceStatus): void {
  let text = '';
  client.setEncoding('utf8');
  client.setTimeout(TIMEOUTS.controlRequest, () => client.destroy());
  const onData = (chunk: string): void => {
    text += chunk;
    const end = text.indexOf('\n');
    if (end === -1 && text.length <= MAX_REQUEST_BYTES) return;
    client.off('data', onData);
    client.setTimeout(0);
    void reply(client, end === -1 ? '' : text.slice(0, end), service, status);
  };
  client.on('data', onData);
}

async function reply(client: Socket, line: string, service: Dom0Service, status: () => ServiceStatus): Promise<void> {
  try {
    const request = parse(line);
    if (request.command === 'follow') {
      subscribe(client, service);
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
    throw new StubferryError('USAGE', 'the stubferry service does not understand the request', {
      expected: `a known request: one JSON document on a line of at most ${MAX_REQUEST_BYTES} bytes`,
      found: messageOf(cause).slice(0, 200),
      hint: 'check that the service and this command have the same version (stubferry status)',
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

function subscribe(client: Socket, service: Dom0Service): void {
  const send = (view: unknown): void => {
    client.write(`${JSON.stringify({ ok: view })}\n`);
    if (client.writableLength > MAX_UNREAD_BYTES) client.destroy();
  };
  for (const view of service.transfers) send(view);
  client.on('close', service.subscribe(send));
}
