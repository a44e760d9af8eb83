/** Connects to the unix socket of QEMU's monitor or of a proxy in front of it. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf, StubferryError } from '../../base/errors/index.js';
import { invalidSocketPath } from './socket-path.js';

/** Options of {@link connectSocket}. */
export interface ConnectOptions {
  readonly signal: AbortSignal;
  /** How long the socket may be missing or refuse connections, in milliseconds: QEMU may still be starting. */
  readonly waitMs: number;
}

const RETRY_MS = 20;

/** Errors of connect() that can go away: QEMU is still starting, or the backlog of its monitor socket is full. */
const NOT_YET: readonly (string | undefined)[] = ['ENOENT', 'ECONNREFUSED', 'EAGAIN'];

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'run this as the user that QEMU runs as, or as root',
  EAGAIN: 'a monitor serves one client at a time, and other clients already wait for it',
};

/**
 * Connects, and retries until `waitMs` is over.
 * @throws StubferryError QMP_UNREACHABLE; the signal's reason after an abort
 */
export async function connectSocket(path: string, { signal, waitMs }: ConnectOptions): Promise<Socket> {
  const invalid = invalidSocketPath(path);
  if (invalid !== undefined) throw unreachable(path, invalid);
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
