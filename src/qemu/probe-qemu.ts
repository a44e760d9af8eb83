/**
 * Asks a QEMU program what it would load, by starting it, three times:
 *
 *     -M MACHINE -dump-vmstate FILE     kinds of devices and their versions
 *     -M MACHINE -device help           which of them can be added to a machine
 *     -M MACHINE -S ARGS                the state that this machine has itself: its devices, each at its place
 *
 * No guest runs: the machine is stopped before its first instruction, has no display, and is ended again. Without ARGS it is
 * the bare machine (`-nodefaults`).
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errnoOf, messageOf, printable, StubferryError } from '../base/errors/index.js';
import { assertNoMigrationBlockers } from './capture/migration-blockers.js';
import { QmpClient, saveDevicesState } from './qmp/index.js';

export interface ProbedQemu {
  /** What `-dump-vmstate` wrote. */
  readonly dump: Uint8Array;
  /** Kinds of devices that `-device` takes. */
  readonly addable: ReadonlySet<string>;
  /** The device state of the machine, as QEMU wrote it. */
  readonly state: Uint8Array;
}

export interface ProbeOptions {
  /** For `-M`. */
  readonly machine: string;
  /** The rest of the destination's command line; empty for the bare machine. */
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

/** For each start; a QEMU without KVM on a loaded machine needs seconds. */
const LIFETIME_MS = 60_000;
/** Of what QEMU says. */
const MOST_SAID = 1 << 20;
/** A line of `-device help`. */
const DEVICE = /^name "(?<type>[^"]+)"/gm;

/** @param program a path, or a name that is looked up in PATH. @throws StubferryError PROBE_FAILED */
export async function probeQemu(program: string, options: ProbeOptions): Promise<ProbedQemu> {
  const folder = await mkdtemp(join(tmpdir(), 'stubferry-probe-'));
  try {
    const dumpFile = join(folder, 'dump.json');
    await run(program, options, ['-nodefaults', '-dump-vmstate', dumpFile]);
    const help = await run(program, options, ['-device', 'help']);
    const addable = new Set([...help.matchAll(DEVICE)].map(({ groups }) => groups?.['type'] ?? ''));
    return { dump: await readFile(dumpFile), addable, state: await stateOf(program, options, folder) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whatever the machine is: no window, and no accelerator that this user may not have. */
function machineArgs(machine: string): string[] {
  return ['-M', machine, '-display', 'none'];
}

async function run(program: string, { machine, signal }: ProbeOptions, args: readonly string[]): Promise<string> {
  const limits = { timeout: LIFETIME_MS, killSignal: 'SIGKILL', maxBuffer: MOST_SAID, signal } as const;
  try {
    return (await promisify(execFile)(program, [...machineArgs(machine), ...args], limits)).stdout;
  } catch (cause) {
    signal.throwIfAborted();
    const said = typeof cause === 'object' && cause !== null && 'stderr' in cause ? `${cause.stderr}` : '';
    throw failed(program, machine, said === '' ? (errnoOf(cause) ?? messageOf(cause)) : said, cause);
  }
}

async function stateOf(program: string, options: ProbeOptions, folder: string): Promise<Uint8Array> {
  const { machine, args, signal } = options;
  const socket = join(folder, 'qmp.sock');
  const own = args.length === 0 ? ['-nodefaults'] : args;
  const qemu = spawn(program, [...machineArgs(machine), '-S', ...own, '-qmp', `unix:${socket},server=on,wait=off`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: LIFETIME_MS,
    killSignal: 'SIGKILL',
  });
  const said: string[] = [];
  qemu.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 100) said.push(text.slice(0, 1024));
  });
  const ended = once(qemu, 'close').catch(() => undefined);
  const stopped = new AbortController();
  void ended.then(() => stopped.abort(new Error('QEMU has ended')));
  try {
    const either = AbortSignal.any([signal, stopped.signal]);
    const monitor = await QmpClient.connect(socket, { signal: either, waitMs: LIFETIME_MS });
    try {
      await assertNoMigrationBlockers(monitor);
      const file = join(folder, 'state');
      await saveDevicesState(monitor, { filename: file, live: false });
      return await readFile(file);
    } finally {
      monitor.close();
    }
  } catch (cause) {
    signal.throwIfAborted();
    await end(qemu, ended);
    throw failed(program, machine, said.join('') || messageOf(cause), cause);
  } finally {
    await end(qemu, ended);
  }
}

async function end(qemu: ChildProcess, ended: Promise<unknown>): Promise<void> {
  qemu.kill('SIGKILL');
  await ended;
}

function failed(program: string, machine: string, found: string, cause: unknown): StubferryError {
  return new StubferryError('PROBE_FAILED', 'this QEMU cannot be asked what it loads', {
    where: program,
    expected: `a QEMU that starts with -M ${machine}`,
    found: printable(found.trim(), 400),
    hint: 'name the program of the destination, its machine type with --machine, and its further arguments behind --',
    cause,
  });
}
