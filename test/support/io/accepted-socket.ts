/** Both ends of a connection over a unix socket. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Connection {
  /** Nothing was read of it yet. */
  readonly accepted: Socket;
  /** The one that writes to it. */
  readonly writer: Socket;
}

export async function acceptedSocket(path: string): Promise<Connection> {
  const server = createServer({ pauseOnConnect: true });
  await once(server.listen(path), 'listening');
  const writer = connect(path);
  const [accepted] = (await once(server, 'connection')) as [Socket];
  server.close();
  return { accepted, writer };
}
