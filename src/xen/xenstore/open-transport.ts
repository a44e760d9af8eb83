/** Finds and opens the transport to xenstore. */
import { stat } from 'node:fs/promises';
import { errnoOf, StubferryError } from '../../base/errors/index.js';
import { openSocket } from './socket-transport.js';
import { type Receiver, type Transport, unreachable } from './transport.js';
import { openXenbus } from './xenbus-transport.js';

const SOCKET = '/run/xenstored/socket';
const XENBUS = '/dev/xen/xenbus';

/**
 * Returns the path of xenstore in this domain: the socket, or else the device.
 * @throws StubferryError XENSTORE_UNREACHABLE
 */
export async function findXenstore(): Promise<string> {
  for (const path of [SOCKET, XENBUS]) {
    if ((await kindOf(path).catch(() => undefined)) !== undefined) return path;
  }
  throw new StubferryError('XENSTORE_UNREACHABLE', 'no xenstore found', {
    where: SOCKET,
    expected: `the socket of xenstored, or ${XENBUS}`,
    found: 'neither',
    hint: 'is this dom0 or a Xen domain, and is xenstored running?',
  });
}

/**
 * Opens the transport at `path`.
 * @throws StubferryError XENSTORE_UNREACHABLE; the reason of an abort
 */
export async function openTransport(path: string, receiver: Receiver, signal: AbortSignal): Promise<Transport> {
  const kind = await kindOf(path);
  return kind === 'socket' ? openSocket(path, receiver, signal) : openXenbus(path, receiver, signal);
}

async function kindOf(path: string): Promise<'socket' | 'device'> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw unreachable(path, errnoOf(cause), cause);
  });
  if (stats.isSocket()) return 'socket';
  if (stats.isCharacterDevice()) return 'device';
  throw unreachable(path, 'neither a socket nor a character device');
}
