/** The commands that stubferry gives, with what QEMU (7.2: qapi/*.json) replies to them. */
import * as z from 'zod/mini';
import { StubferryError } from '../../base/errors/index.js';
import type { AskOptions, Monitor } from './monitor.js';
import { notQmp } from './qmp-error.js';

/** For a command that QEMU answers from its memory, milliseconds. Its main loop may be busy with a disk. */
const QUERY_MS = 10_000;
/** `stop` waits for all requests of the guest to its disks, `cont` may open them anew. */
const RUN_STATE_MS = 60_000;

/** The word for a state of QEMU's, such as `finish-migrate`: it may be shown as it is. */
const word = z.string().check(z.regex(/^[a-z-]{1,40}$/));
const runStatus = z.object({ status: word, running: z.boolean() });
const migration = z.object({
  status: z.optional(word),
  'error-desc': z.optional(z.string()),
  'blocked-reasons': z.optional(z.array(z.string())),
});
const parameters = z.object({ 'max-bandwidth': z.optional(z.number()) });

async function ask<T extends z.ZodMiniType>(
  monitor: Monitor,
  command: string,
  args: Readonly<Record<string, unknown>>,
  reply: T,
  limits: AskOptions = { timeoutMs: QUERY_MS },
): Promise<z.infer<T>> {
  const value = await monitor.ask(command, args, limits);
  const { success, data } = reply.safeParse(value);
  if (success) return data as z.infer<T>;
  throw notQmp(monitor.path, `another reply to '${command}' than QEMU gives`);
}

/** What QEMU is doing: `running`, `paused`, `inmigrate`, `postmigrate`, ... */
export function queryStatus(monitor: Monitor): Promise<{ readonly status: string; readonly running: boolean }> {
  return ask(monitor, 'query-status', {}, runStatus);
}

/** Stops the guest's processors and devices. */
export async function stop(monitor: Monitor): Promise<void> {
  await ask(monitor, 'stop', {}, z.unknown(), { timeoutMs: RUN_STATE_MS });
}

/** Lets the guest go on. */
export async function cont(monitor: Monitor): Promise<void> {
  await ask(monitor, 'cont', {}, z.unknown(), { timeoutMs: RUN_STATE_MS });
}

/** How a migration in either direction stands. */
export interface MigrationInfo {
  /** undefined when there was none. */
  readonly status: string | undefined;
  readonly reason: string | undefined;
  /** Why this machine cannot be migrated, in QEMU's words. */
  readonly blockedReasons: readonly string[];
}

/** @param limits how long QEMU may take: while it moves RAM, its main loop may be busy for long */
export async function queryMigrate(
  monitor: Monitor,
  limits: { readonly timeoutMs: number | undefined } = { timeoutMs: QUERY_MS },
): Promise<MigrationInfo> {
  const info = await ask(monitor, 'query-migrate', {}, migration, limits);
  return { status: info.status, reason: info['error-desc'], blockedReasons: info['blocked-reasons'] ?? [] };
}

/** Begins to send the whole machine, with its RAM, to `uri`. */
export async function migrate(monitor: Monitor, uri: string): Promise<void> {
  await ask(monitor, 'migrate', { uri }, z.unknown());
}

/** Gives up a migration under way; the guest goes on as it was. */
export async function migrateCancel(monitor: Monitor): Promise<void> {
  await ask(monitor, 'migrate_cancel', {}, z.unknown());
}

/** Bytes a second that a migration may take. */
export async function queryMaxBandwidth(monitor: Monitor): Promise<number | undefined> {
  return (await ask(monitor, 'query-migrate-parameters', {}, parameters))['max-bandwidth'];
}

export async function setMaxBandwidth(monitor: Monitor, bytesPerSecond: number): Promise<void> {
  await ask(monitor, 'migrate-set-parameters', { 'max-bandwidth': bytesPerSecond }, z.unknown());
}

/** The machine type, such as `pc-i440fx-7.2`; empty when QEMU does not tell. */
export async function machineType(monitor: Monitor): Promise<string> {
  try {
    const type = await ask(monitor, 'qom-get', { path: '/machine', property: 'type' }, z.string());
    return type.replace(/-machine$/, '');
  } catch (error) {
    if (error instanceof StubferryError && error.code === 'QEMU_REFUSED') return '';
    throw error;
  }
}

/** The sets of file descriptors that QEMU was given. They are listed for whoever gave them, and not looked at here. */
export function queryFdsets(monitor: Monitor, signal: AbortSignal): Promise<readonly unknown[]> {
  return ask(monitor, 'query-fdsets', {}, z.array(z.unknown()), { timeoutMs: QUERY_MS, signal });
}

/** The command by which libxl has the state of the devices saved, and its arguments. */
export const SAVE_DEVICES_STATE = 'xen-save-devices-state';

/**
 * Writes the state of all devices, without RAM, into a file. QEMU does nothing else until that is written.
 *
 * @param args `filename`, and what else the toolstack gave
 */
export async function saveDevicesState(
  monitor: Monitor,
  args: Readonly<Record<string, unknown>> & { readonly filename: string },
): Promise<void> {
  await ask(monitor, SAVE_DEVICES_STATE, args, z.unknown(), { timeoutMs: undefined });
}
