/** The unix socket of xenstored, in its own domain. */

import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '../../base/errors/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
import { type Receiver, type Transport, unreachable } from './transport.js';
import { PAYLOAD_MAX } from './wire/message.js';

/** `sun_path` has 108 bytes with its terminating zero (unix(7)); Node truncates a longer path silently. */
const SOCKET_PATH_MAX = 107;

const RETRY_MS = 5;

/**
 * Connects to the socket at `path`; retries while the queue of xenstored is full.
 * @throws StubferryError XENSTORE_UNREACHABLE; the reason of an abort
 */
export async function openSocket(path: string, receiver: Receiver, signal: AbortSignal): Promise<Transport> {
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX) {
    throw unreachable(path, `a path of more than ${SOCKET_PATH_MAX} bytes`);
  }
  const socket = await connected(path, signal);
  let error: unknown;
  socket.on('data', (chunk) => receiver.onBytes(chunk));
  socket.on('error', (cause) => {
    error = cause;
  });
  socket.on('close', () => receiver.onEnd(error));
  return {
    payloadMax: PAYLOAD_MAX,
    isPipelined: true,
    isReplaceable: true,
    send: async (message) => {
      if (!socket.writable) return;
      // Requests that are made in one turn are sent together. Each separate write would let xenstored run immediately,
      // which on one processor costs a process switch for each request (a new vbd, under emulation: 125 ms of processor
      // time for Node and xenstored with separate writes, 105 ms with one write).
      if (socket.writableCorked === 0) {
        socket.cork();
        process.nextTick(() => socket.uncork());
      }
      socket.write(message);
    },
    close: async () => {
      socket.removeAllListeners('data');
      if (socket.closed) return;
      socket.destroy();
      await once(socket, 'close');
    },
  };
}

async function connected(path: string, signal: AbortSignal): Promise<Socket> {
  for (const since = performance.now(); ; await delay(RETRY_MS)) {
    const socket = createConnection(path);
    try {
      await once(socket, 'connect', { signal });
      return socket;
    } catch (cause) {
      socket.destroy();
      signal.throwIfAborted();
      const isFull = errnoOf(cause) === 'EAGAIN' && performance.now() - since < TIMEOUTS.xenstoreQueue;
      if (!isFull) throw unreachable(path, errnoOf(cause), cause);
    }
  }
}
