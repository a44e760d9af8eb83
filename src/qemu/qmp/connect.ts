/** A connection to a unix socket on which QEMU's monitor, or its proxy, listens. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf, StubferryError } from '../../base/errors/index.js';
import { invalidSocketPath } from './socket-path.js';

export interface ConnectOptions {
  readonly signal: AbortSignal;
  /** How long a socket may be absent or refuse, milliseconds: QEMU may be on its way. */
  readonly waitMs: number;
}

const RETRY_MS = 20;

/** What a socket answers while its QEMU is being started, or has too many who wait for its monitor. */
const NOT_YET: readonly (string | undefined)[] = ['ENOENT', 'ECONNREFUSED', 'EAGAIN'];

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'run this as the user that QEMU runs as, or as root',
  EAGAIN: 'a monitor serves one client at a time, and others wait for it already',
};

/** @throws StubferryError QMP_UNREACHABLE; the reason of an abort */
export async function connectSocket(path: string, { signal, waitMs }: ConnectOptions): Promise<Socket> {
  const unfit = invalidSocketPath(path);
  if (unfit !== undefined) throw unreachable(path, unfit);
  for (const since = performance.now(); ; await delay(RETRY_MS)) {
    signal.throwIfAborted();
    const socket = createConnection(path);
    try {
      await once(socket, 'connect', { signal });
      return socket;
    } catch (cause) {
      socket.destroy();
      signal.throwIfAborted();
      const errno = errnoOf(cause);
      if (!NOT_YET.includes(errno) || performance.now() - since >= waitMs) throw unreachable(path, errno, cause);
    }
  }
}

function unreachable(path: string, found: string | undefined, cause?: unknown): StubferryError {
  return new StubferryError('QMP_UNREACHABLE', "cannot connect to QEMU's monitor", {
    where: path,
    expected: "the unix socket of a QEMU that was started with '-qmp unix:PATH,server=on,wait=off'",
    found,
    hint: HINTS[found ?? ''] ?? 'is QEMU running?',
    cause,
  });
}
