/** A unix socket for this user alone, in a folder of which the caller has the lock: what lies at its path is of a killed process. */
import { chmod, unlink } from 'node:fs/promises';
import type { Server } from 'node:net';
import { StubferryError } from '../base/errors/index.js';

/** @returns how to end it. @throws StubferryError DESTINATION_UNWRITABLE */
export async function listenAlone(server: Server, path: string): Promise<() => Promise<void>> {
  await unlink(path).catch(() => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new StubferryError('DESTINATION_UNWRITABLE', 'cannot listen on this socket', {
          where: path,
          found: cause.message,
          hint: 'does its folder exist, and is the path short enough for a socket (107 bytes)?',
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
