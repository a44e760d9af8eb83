/**
 * Captures a whole machine with its RAM: QEMU's `migrate` command, to a socket of stubferry.
 *
 * A unix socket is used because QEMU closes it at the end of the stream, without a process in between. With `exec:`,
 * QEMU reports a migration as completed while `cat` still writes.
 */

import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf, printable, StubferryError } from '../../base/errors/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
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
import { makeDirectory } from './capture-directory.js';
import { CapturedState } from './captured-state.js';

/**
 * In bytes per second. QEMU's default is 128 MiB/s, for shared networks; this stream goes to stubferry's own transfer
 * disk.
 */
const UNLIMITED = 2 ** 40;

const POLL_MS = 20;
const FINAL_STATUSES: readonly (string | undefined)[] = ['completed', 'failed', 'cancelled'];

/**
 * Creates the socket. The capture removes QEMU's bandwidth limit while it runs and restores the limit afterwards.
 * @throws StubferryError CAPTURE_LOST; the errors of a QMP command
 */
export async function prepareMigration(monitor: Monitor, { parent, stallMs }: CaptureOptions): Promise<Capture> {
  const bandwidth = await queryMaxBandwidth(monitor);
  const directory = await makeDirectory(parent);
  const path = join(directory, 'stream.sock');
  const server = await listen(path).catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw error;
  });
  let state: CapturedState | undefined;
  return {
    begin: async () => {
      await setMaxBandwidth(monitor, UNLIMITED);
      const connection = once(server, 'connection', { signal: AbortSignal.timeout(TIMEOUTS.migrationConnect) });
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
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Returns QEMU's connection. Rejects with QEMU's error when the migration fails before QEMU has connected. */
async function connected(connection: Promise<unknown[]>, migrated: Promise<void>, path: string): Promise<Socket> {
  const first = connection.then(
    ([socket]) => socket as Socket,
    () => Promise.reject(lost(path, 'no connection from QEMU')),
  );
  return Promise.race([first, migrated.then(() => first)]);
}

async function listen(path: string): Promise<Server> {
  const invalid = invalidSocketPath(path);
  if (invalid !== undefined) throw lost(path, invalid);
  const server = createServer({ pauseOnConnect: true });
  try {
    await once(server.listen(path), 'listening');
    return server;
  } catch (cause) {
    throw lost(path, errnoOf(cause) ?? String(cause), cause);
  }
}

async function untilMigrated(monitor: Monitor): Promise<void> {
  const query = (): Promise<MigrationInfo> => queryMigrate(monitor, { timeoutMs: undefined });
  let info = await query();
  for (; !FINAL_STATUSES.includes(info.status); info = await query()) await delay(POLL_MS);
  if (info.status === 'completed') return;
  const why = info.reason === undefined ? '' : `: ${printable(info.reason, 400)}`;
  throw new StubferryError('QEMU_REFUSED', `QEMU's migration ${info.status}${why}`, {
    where: monitor.path,
    expected: 'completed',
    found: info.status,
    hint: 'check the log of QEMU',
  });
}

function lost(path: string, found: string, cause?: unknown): StubferryError {
  return new StubferryError('CAPTURE_LOST', 'cannot receive the migration stream of QEMU', {
    where: path,
    expected: 'a unix socket that QEMU connects to',
    found,
    hint: 'check that the directory exists and QEMU can reach it; the path of the socket may have at most 107 bytes',
    cause,
  });
}
