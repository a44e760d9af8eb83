/** Opens both ends of a connection over a Unix socket. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Connection {
  /** The accepted end, from which nothing was read yet. */
  readonly accepted: Socket;
  /** The end that writes to the accepted one. */
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
