/** Single requests to xenstored without the client of src/xen/xenstore, with which this file shares no code. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Encodes a message: four u32 and the payload. */
export function messageOf(
  type: number,
  requestId: number,
  transactionId: number,
  payload: string | Uint8Array,
): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(requestId, 4);
  header.writeUInt32LE(transactionId, 8);
  header.writeUInt32LE(body.length, 12);
  return Buffer.concat([header, body]);
}

/** Sends a request and resolves when xenstored has executed it. */
export async function sendToXenstored(path: string, type: number, ...strings: readonly string[]): Promise<void> {
  const socket = await connected(path);
  try {
    socket.write(messageOf(type, 1, 0, strings.map((text) => `${text}\0`).join('')));
    const done = messageOf(type, 1, 0, 'OK\0');
    let reply = Buffer.alloc(0);
    while (reply.length < done.length) reply = Buffer.concat([reply, ...((await once(socket, 'data')) as [Buffer])]);
    if (!reply.equals(done)) throw new Error(`xenstored refused: ${reply.subarray(16)}`);
  } finally {
    socket.destroy();
  }
}

/** Resolves when a server accepts connections at `path`. */
export async function untilListening(path: string): Promise<void> {
  (await connected(path)).destroy();
}

const CONNECT_MS = 10_000;

/** Connects with retries: xenstored may still be starting, and queues only one client at a time. */
async function connected(path: string): Promise<Socket> {
  for (const since = performance.now(); ; await delay(5)) {
    const socket = createConnection(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      socket.destroy();
      if (performance.now() - since > CONNECT_MS) throw error;
    }
  }
}
