/**
 * Finds out what a QEMU program can load, by starting it three times:
 *
 *     -M MACHINE -dump-vmstate FILE     the device types and their versions
 *     -M MACHINE -device help           the device types that can be added to a machine
 *     -M MACHINE -S ARGS                the state of this machine itself: its devices, in their order and instances
 *
 * No guest code runs: the machine stops before its first instruction, has no display, and is killed afterwards. Without
 * ARGS it is the bare machine (`-nodefaults`).
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errnoOf, messageOf, printable, StubferryError } from '../base/errors/index.js';
import { TIMEOUTS } from '../base/time/timeouts.js';
import { assertNoMigrationBlockers } from './capture/migration-blockers.js';
import { QmpClient, saveDevicesState } from './qmp/index.js';

/** The result of {@link probeQemu}. */
export interface ProbedQemu {
  /** The output of `-dump-vmstate`. */
  readonly dump: Uint8Array;
  /** The device types that `-device` accepts. */
  readonly addable: ReadonlySet<string>;
  /** The device state of the machine, as QEMU wrote it. */
  readonly state: Uint8Array;
}

/** Options of {@link probeQemu}. */
export interface ProbeOptions {
  /** The machine type, for `-M`. */
  readonly machine: string;
  /** The other arguments of the destination's command line; empty for the bare machine. */
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

/** The limit of QEMU's output, in bytes. */
const MAX_OUTPUT_BYTES = 1 << 20;
/** A line of `-device help`. */
const DEVICE = /^name "(?<type>[^"]+)"/gm;

/**
 * Starts `program` as described above and returns the results.
 * @param program a path, or a name that is looked up in PATH
 * @throws StubferryError PROBE_FAILED; the signal's reason after an abort
 */
export async function probeQemu(program: string, options: ProbeOptions): Promise<ProbedQemu> {
  const directory = await mkdtemp(join(tmpdir(), 'stubferry-probe-'));
  try {
    const dumpFile = join(directory, 'dump.json');
    await run(program, options, ['-nodefaults', '-dump-vmstate', dumpFile]);
    const help = await run(program, options, ['-device', 'help']);
    const addable = new Set([...help.matchAll(DEVICE)].map(({ groups }) => groups?.['type'] ?? ''));
    return { dump: await readFile(dumpFile), addable, state: await stateOf(program, options, directory) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The arguments for any machine: no display, and no accelerator, because this user may lack access to KVM. */
function machineArgs(machine: string): string[] {
  return ['-M', machine, '-display', 'none'];
}

async function run(program: string, { machine, signal }: ProbeOptions, args: readonly string[]): Promise<string> {
  const limits = { timeout: TIMEOUTS.probe, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES, signal } as const;
  try {
    return (await promisify(execFile)(program, [...machineArgs(machine), ...args], limits)).stdout;
  } catch (cause) {
    signal.throwIfAborted();
    const stderr = typeof cause === 'object' && cause !== null && 'stderr' in cause ? `${cause.stderr}` : '';
    throw failed(program, machine, stderr === '' ? (errnoOf(cause) ?? messageOf(cause)) : stderr, cause);
  }
}

async function stateOf(program: string, options: ProbeOptions, directory: string): Promise<Uint8Array> {
  const { machine, args, signal } = options;
  const socket = join(directory, 'qmp.sock');
  const own = args.length === 0 ? ['-nodefaults'] : args;
  const qemu = spawn(program, [...machineArgs(machine), '-S', ...own, '-qmp', `unix:${socket},server=on,wait=off`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: TIMEOUTS.probe,
    killSignal: 'SIGKILL',
  });
  const stderr: string[] = [];
  qemu.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < 100) stderr.push(text.slice(0, 1024));
  });
  const ended = once(qemu, 'close').catch(() => undefined);
  const stopped = new AbortController();
  void ended.then(() => stopped.abort(new Error('QEMU has ended')));
  try {
    const either = AbortSignal.any([signal, stopped.signal]);
    const monitor = await QmpClient.connect(socket, { signal: either, waitMs: TIMEOUTS.probe });
    try {
      await assertNoMigrationBlockers(monitor);
      const file = join(directory, 'state');
      await saveDevicesState(monitor, { filename: file, live: false });
      return await readFile(file);
    } finally {
      monitor.close();
    }
  } catch (cause) {
    signal.throwIfAborted();
    await end(qemu, ended);
    throw failed(program, machine, stderr.join('') || messageOf(cause), cause);
  } finally {
    await end(qemu, ended);
  }
}

async function end(qemu: ChildProcess, ended: Promise<unknown>): Promise<void> {
  qemu.kill('SIGKILL');
  await ended;
}

function failed(program: string, machine: string, found: string, cause: unknown): StubferryError {
  return new StubferryError('PROBE_FAILED', 'cannot probe QEMU', {
    where: program,
    expected: `a QEMU that starts with -M ${machine}`,
    found: printable(found.trim(), 400),
    hint: 'name the program of the destination, its machine type with --machine, and its other arguments after --',
    cause,
  });
}
