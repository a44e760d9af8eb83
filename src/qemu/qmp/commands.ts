/** The QMP commands that stubferry executes, and the replies of QEMU 7.2 to them (qapi/*.json of QEMU). */

import * as z from 'zod/mini';
import { StubferryError } from '../../base/errors/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
import type { ExecuteOptions, Monitor } from './monitor.js';
import { notQmp } from './qmp-error.js';

/** The name of a run state or migration state, such as `finish-migrate`. Messages may show it without escaping. */
const stateName = z.string().check(z.regex(/^[a-z-]{1,40}$/));
const runStatus = z.object({ status: stateName, running: z.boolean() });
const migration = z.object({
  status: z.optional(stateName),
  'error-desc': z.optional(z.string()),
  'blocked-reasons': z.optional(z.array(z.string())),
});
const parameters = z.object({ 'max-bandwidth': z.optional(z.number()) });

async function execute<T extends z.ZodMiniType>(
  monitor: Monitor,
  command: string,
  args: Readonly<Record<string, unknown>>,
  reply: T,
  limits: ExecuteOptions = { timeoutMs: TIMEOUTS.qmpQuery },
): Promise<z.infer<T>> {
  const value = await monitor.execute(command, args, limits);
  const { success, data } = reply.safeParse(value);
  if (success) return data as z.infer<T>;
  throw notQmp(monitor.path, `an unexpected reply to '${command}'`);
}

/** QEMU's run state: `running`, `paused`, `inmigrate`, `postmigrate`, ... */
export function queryStatus(monitor: Monitor): Promise<{ readonly status: string; readonly running: boolean }> {
  return execute(monitor, 'query-status', {}, runStatus);
}

/** Stops the guest's CPUs and devices. */
export async function stop(monitor: Monitor): Promise<void> {
  await execute(monitor, 'stop', {}, z.unknown(), { timeoutMs: TIMEOUTS.qmpRunState });
}

/** Resumes the guest. */
export async function cont(monitor: Monitor): Promise<void> {
  await execute(monitor, 'cont', {}, z.unknown(), { timeoutMs: TIMEOUTS.qmpRunState });
}

/** The status of the current or last migration, incoming or outgoing. */
export interface MigrationInfo {
  /** QEMU's name of the status, such as `active` or `completed`; undefined when there was no migration. */
  readonly status: string | undefined;
  /** QEMU's description of the error, if there is one. */
  readonly reason: string | undefined;
  /** Why this machine cannot be migrated, as QEMU describes it. */
  readonly blockedReasons: readonly string[];
}

/**
 * Queries the status of a migration.
 * @param limits how long QEMU may take; its main loop may be busy for a long time while it moves RAM
 */
export async function queryMigrate(
  monitor: Monitor,
  limits: { readonly timeoutMs: number | undefined } = { timeoutMs: TIMEOUTS.qmpQuery },
): Promise<MigrationInfo> {
  const info = await execute(monitor, 'query-migrate', {}, migration, limits);
  return { status: info.status, reason: info['error-desc'], blockedReasons: info['blocked-reasons'] ?? [] };
}

/** Starts to send the whole machine, with its RAM, to `uri`. */
export async function migrate(monitor: Monitor, uri: string): Promise<void> {
  await execute(monitor, 'migrate', { uri }, z.unknown());
}

/** Cancels a running migration. The guest keeps running. */
export async function migrateCancel(monitor: Monitor): Promise<void> {
  await execute(monitor, 'migrate_cancel', {}, z.unknown());
}

/** The bandwidth limit of migrations in bytes per second; undefined when QEMU does not report it. */
export async function queryMaxBandwidth(monitor: Monitor): Promise<number | undefined> {
  return (await execute(monitor, 'query-migrate-parameters', {}, parameters))['max-bandwidth'];
}

/** Sets the bandwidth limit of migrations. */
export async function setMaxBandwidth(monitor: Monitor, bytesPerSecond: number): Promise<void> {
  await execute(monitor, 'migrate-set-parameters', { 'max-bandwidth': bytesPerSecond }, z.unknown());
}

/** The machine type, such as `pc-i440fx-7.2`; empty when QEMU refuses to report it. */
export async function machineType(monitor: Monitor): Promise<string> {
  try {
    const type = await execute(monitor, 'qom-get', { path: '/machine', property: 'type' }, z.string());
    return type.replace(/-machine$/, '');
  } catch (error) {
    if (error instanceof StubferryError && error.code === 'QEMU_REFUSED') return '';
    throw error;
  }
}

/** Lists the file descriptor sets of QEMU. stubferry passes the elements on without interpreting them. */
export function queryFdsets(monitor: Monitor, signal: AbortSignal): Promise<readonly unknown[]> {
  return execute(monitor, 'query-fdsets', {}, z.array(z.unknown()), { timeoutMs: TIMEOUTS.qmpQuery, signal });
}

/** The command by which libxl saves the state of the devices. */
export const SAVE_DEVICES_STATE = 'xen-save-devices-state';

/**
 * Makes QEMU write the state of all devices, without RAM, to a file. QEMU does nothing else until the file is written,
 * so the command has no time limit.
 *
 * @param args `filename` and the other arguments that the toolstack sent
 */
export async function saveDevicesState(
  monitor: Monitor,
  args: Readonly<Record<string, unknown>> & { readonly filename: string },
): Promise<void> {
  await execute(monitor, SAVE_DEVICES_STATE, args, z.unknown(), { timeoutMs: undefined });
}
