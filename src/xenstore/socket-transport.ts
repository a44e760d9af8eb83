/** The unix socket of xenstored, in its own domain. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { errnoOf } from '../errors/index.js';
import { type Receiver, type Transport, unreachable } from './transport.js';
import { PAYLOAD_MAX } from './wire/message.js';

/** `sun_path` has 108 bytes with the zero at its end (unix(7)); Node cuts a longer path without a word. */
const SOCKET_PATH_MAX = 107;

/** @throws StubferryError XENSTORE_UNREACHABLE; the reason of an abort */
export async function openSocket(path: string, receiver: Receiver, signal: AbortSignal): Promise<Transport> {
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX) {
    throw unreachable(path, `a path of more than ${SOCKET_PATH_MAX} bytes`);
  }
  const socket = createConnection(path);
  try {
    await once(socket, 'connect', { signal });
  } catch (cause) {
    socket.destroy();
    signal.throwIfAborted();
    throw unreachable(path, errnoOf(cause), cause);
  }
  let error: unknown;
  socket.on('data', (chunk) => receiver.onBytes(chunk));
  socket.on('error', (cause) => {
    error = cause;
  });
  socket.on('close', () => receiver.onEnd(error));
  return {
    payloadMax: PAYLOAD_MAX,
    isReplaceable: true,
    send: async (message) => {
      if (socket.writable) socket.write(message);
    },
    close: async () => {
      socket.removeAllListeners('data');
      if (socket.closed) return;
      socket.destroy();
      await once(socket, 'close');
    },
  };
}
