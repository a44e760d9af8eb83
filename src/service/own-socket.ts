/**
 * Unix sockets that only this user can open. The caller holds the lock of the socket's directory, so an existing socket
 * at the path belongs to a killed process.
 */
import { chmod, unlink } from 'node:fs/promises';
import type { Server } from 'node:net';
import { StubferryError } from '../base/errors/index.js';

/**
 * Replaces whatever is at `path` by a socket of mode 0600, and listens on it.
 *
 * @returns a function that closes the server and removes the socket
 * @throws StubferryError DESTINATION_UNWRITABLE: when the socket cannot be created
 */
export async function listenExclusively(server: Server, path: string): Promise<() => Promise<void>> {
  await unlink(path).catch(() => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new StubferryError('DESTINATION_UNWRITABLE', 'cannot listen on this socket', {
          where: path,
          found: cause.message,
          hint: 'check that its directory exists, and that the path has at most 107 bytes, the limit for a socket',
          cause,
        }),
      );
    });
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return async () => {
    await new Promise((resolve) => server.close(resolve));
    await unlink(path).catch(() => undefined);
  };
}
