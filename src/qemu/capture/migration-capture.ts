/**
 * Captures a whole machine with its RAM: QEMU's own `migrate`, into a socket of ours.
 *
 * Over a unix socket, because QEMU closes it when it is done, and no shell stands between (as with `exec:`, where QEMU calls a
 * migration completed while `cat` still writes).
 */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf, printable, StubferryError } from '../../base/errors/index.js';
import { PipeSource } from '../../io/index.js';
import {
  invalidSocketPath,
  type MigrationInfo,
  type Monitor,
  migrate,
  migrateCancel,
  queryMaxBandwidth,
  queryMigrate,
  setMaxBandwidth,
} from '../qmp/index.js';
import type { Capture, CaptureOptions } from './capture.js';
import { makeFolder } from './capture-folder.js';
import { CapturedState } from './captured-state.js';

/** QEMU's default is 128 MiB/s, for networks that others use too. This goes to a disk of our own. Bytes a second. */
const UNLIMITED = 2 ** 40;

const POLL_MS = 20;
/** From QEMU's consent to migrate to its connection, milliseconds. */
const CONNECT_MS = 10_000;

const ENDS: readonly (string | undefined)[] = ['completed', 'failed', 'cancelled'];

/** @throws StubferryError CAPTURE_LOST, QEMU_REFUSED */
export async function prepareMigration(monitor: Monitor, { parent, stallMs }: CaptureOptions): Promise<Capture> {
  const bandwidth = await queryMaxBandwidth(monitor);
  const folder = await makeFolder(parent);
  const path = join(folder, 'stream.sock');
  const server = await listen(path).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  let state: CapturedState | undefined;
  return {
    begin: async () => {
      await setMaxBandwidth(monitor, UNLIMITED);
      const connection = once(server, 'connection', { signal: AbortSignal.timeout(CONNECT_MS) });
      connection.catch(() => undefined);
      await migrate(monitor, `unix:${path}`);
      const migrated = untilMigrated(monitor);
      const cancel = (): Promise<void> => migrateCancel(monitor);
      const socket = await connected(connection, migrated, path).catch(async (error: unknown) => {
        await cancel().catch(() => undefined);
        throw error;
      });
      state = new CapturedState(PipeSource.ofSocket(socket, path), migrated, { where: path, stallMs, cancel });
      return state;
    },
    close: async () => {
      await state?.close();
      if (bandwidth !== undefined) await setMaxBandwidth(monitor, bandwidth).catch(() => undefined);
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** QEMU's connection; or why it gave up before it made one. */
async function connected(connection: Promise<unknown[]>, migrated: Promise<void>, path: string): Promise<Socket> {
  const first = connection.then(
    ([socket]) => socket as Socket,
    () => Promise.reject(lost(path, 'no connection of QEMU')),
  );
  return Promise.race([first, migrated.then(() => first)]);
}

async function listen(path: string): Promise<Server> {
  const unfit = invalidSocketPath(path);
  if (unfit !== undefined) throw lost(path, unfit);
  const server = createServer({ pauseOnConnect: true });
  try {
    await once(server.listen(path), 'listening');
    return server;
  } catch (cause) {
    throw lost(path, errnoOf(cause) ?? String(cause), cause);
  }
}

async function untilMigrated(monitor: Monitor): Promise<void> {
  const look = (): Promise<MigrationInfo> => queryMigrate(monitor, { timeoutMs: undefined });
  let info = await look();
  for (; !ENDS.includes(info.status); info = await look()) await delay(POLL_MS);
  if (info.status === 'completed') return;
  const why = info.reason === undefined ? '' : `: ${printable(info.reason, 400)}`;
  throw new StubferryError('QEMU_REFUSED', `QEMU's migration ${info.status}${why}`, {
    where: monitor.path,
    expected: 'completed',
    found: info.status,
    hint: 'see the log of QEMU',
  });
}

function lost(path: string, found: string, cause?: unknown): StubferryError {
  return new StubferryError('CAPTURE_LOST', 'QEMU cannot send its state here', {
    where: path,
    expected: 'a unix socket that QEMU connects to',
    found,
    hint: 'is the folder there, and can QEMU reach it? Its path may have 107 bytes at most',
    cause,
  });
}
