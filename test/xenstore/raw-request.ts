/** One request to xenstored without a client of xenstore: it shares no code with src/xenstore. */
import { once } from 'node:events';
import { createConnection } from 'node:net';

/** Bytes of a message: four u32 and the payload. */
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

/** Resolves when xenstored says that it is done. */
export async function sayToXenstored(path: string, type: number, ...strings: readonly string[]): Promise<void> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    socket.write(messageOf(type, 1, 0, strings.map((text) => `${text}\0`).join('')));
    const done = messageOf(type, 1, 0, 'OK\0');
    let reply = Buffer.alloc(0);
    while (reply.length < done.length) reply = Buffer.concat([reply, ...((await once(socket, 'data')) as [Buffer])]);
    if (!reply.equals(done)) throw new Error(`xenstored refused: ${reply.subarray(16)}`);
  } finally {
    socket.destroy();
  }
}

export async function isListening(path: string): Promise<boolean> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
