/**
 * A real QEMU for a test, with the output of its guest and its exit status.
 *
 * The first monitor (`qmpPath`) is for the test; the harness uses a second one. After a test, the harness kills the
 * QEMUs that still run and removes their RAM.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach } from '@jest/globals';
import { countsIn } from './boot-sector.js';
import { commandLine, fileOf, type MachineOptions, QEMU } from './command-line.js';
import { guestMemory, removeGuestMemory } from './guest-memory.js';
import { Monitor, MonitorGone } from './monitor.js';

export interface MachineEnd {
  /** The exit status, or the signal that ended it. */
  readonly exit: number | NodeJS.Signals;
  /** Its standard output and standard error. */
  readonly log: string;
}

/** In milliseconds. Far more than any event takes, even on two shared cores. */
const TIMEOUT_MS = 20_000;
const POLL_MS = 10;

const machines = new Set<Machine>();

/** Starts a QEMU. Resolves when its monitor responds. */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const machine = new Machine(options);
  machines.add(machine);
  await machine.connected;
  return machine;
}

export class Machine {
  readonly qmpPath: string;
  readonly logPath: string;
  /** The file of its RAM. */
  readonly memory: string;
  readonly ended: Promise<MachineEnd>;
  /** Resolves when its monitor responds. */
  readonly connected: Promise<void>;
  readonly #child: ChildProcess;
  readonly #options: MachineOptions;
  #monitor: Monitor | undefined;
  #end: MachineEnd | undefined;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.qmpPath = fileOf(options, 'qmp');
    this.logPath = fileOf(options, 'log');
    this.memory = options.memory ?? guestMemory();
    this.#child = this.#start(options);
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (status, signal) => {
        this.#end = { exit: status ?? signal ?? -1, log: this.log() };
        resolve(this.#end);
      });
    });
    this.connected = this.#connect();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its standard output and standard error so far. */
  log(): string {
    return textOf(this.logPath);
  }

  /** The output of its guest on COM1 so far. */
  serial(): string {
    return textOf(fileOf(this.#options, 'serial'));
  }

  /** All numbers that its guest has printed. */
  counts(): number[] {
    return countsIn(this.serial());
  }

  /** The last number that its guest has printed; 0 before the first one. */
  counter(): number {
    return this.counts().at(-1) ?? 0;
  }

  /** Resolves with the count as soon as it is higher than `beyond`, by default the present count. */
  async untilCounting(beyond = this.counter()): Promise<number> {
    await this.#until(`a count beyond ${beyond}`, () => this.counter() > beyond);
    return this.counter();
  }

  /** Executes a command on the harness's monitor. Throws QEMU's error, or the exit status when QEMU has exited. */
  async command<T = unknown>(name: string, args: object = {}): Promise<T> {
    if (this.#monitor === undefined) throw new Error(`${name}: no monitor is open yet`);
    try {
      return await this.#monitor.command<T>(name, args);
    } catch (error) {
      if (!(error instanceof MonitorGone)) throw error;
      const { exit, log } = await this.ended;
      throw new Error(`${name}: QEMU ended (${exit}): ${log}`, { cause: error });
    }
  }

  /** The names of the events that QEMU has reported. */
  async eventsSoFar(): Promise<string[]> {
    // Earlier events arrive before the reply to this command.
    await this.runState();
    return (this.#monitor?.events ?? []).flatMap(({ event }) => event ?? []);
  }

  /** `running`, `paused`, `prelaunch`, `inmigrate`, `save-vm`, `postmigrate`, ... */
  async runState(): Promise<string> {
    return (await this.command<{ status: string }>('query-status')).status;
  }

  untilState(state: string): Promise<void> {
    return this.#until(`the run state ${state}`, async () => (await this.runState()) === state);
  }

  /** Makes QEMU migrate to a file. The file appears when it is complete. */
  async migrateTo(path: string): Promise<void> {
    await this.command('migrate', { uri: `exec:cat > '${path}.part' && mv '${path}.part' '${path}'` });
    await this.untilMigrated();
    await this.#until(`${path}`, () => existsSync(path)); // QEMU does not wait for cat to finish.
  }

  /** Resolves when a migration, in either direction, is complete; rejects when it failed. */
  async untilMigrated(): Promise<void> {
    await this.#until('the end of the migration', async () => {
      const state = await this.command<{ status?: string; 'error-desc'?: string }>('query-migrate');
      if (state.status === 'failed') throw new Error(`migration failed: ${state['error-desc'] ?? this.log()}`);
      return state.status === 'completed';
    });
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<MachineEnd> {
    this.#child.kill(signal);
    return this.ended;
  }

  #start(options: MachineOptions): ChildProcess {
    const output = openSync(this.logPath, 'w');
    // The kernel kills QEMU when the test process is killed, because `afterEach` does not run then.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', QEMU, ...commandLine(options, this.memory)], {
      stdio: ['ignore', output, output, ...(options.descriptors ?? [])],
      cwd: options.folder,
    });
    closeSync(output);
    return child;
  }

  async #connect(): Promise<void> {
    try {
      this.#monitor = await Monitor.open(fileOf(this.#options, 'monitor'), () => this.#end === undefined);
    } catch (error) {
      throw new Error(`${QEMU} does not respond: ${this.log()}`, { cause: error });
    }
  }

  async #until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const { waitMs = TIMEOUT_MS } = this.#options;
    const deadline = Date.now() + waitMs;
    while (!(await holds())) {
      if (this.#end !== undefined) throw new Error(`${what}: QEMU ended (${this.#end.exit}): ${this.log()}`);
      if (Date.now() > deadline) {
        throw new Error(`${what}: not in ${waitMs} ms: ${this.log()}\n${this.serial().slice(-500)}`);
      }
      await delay(POLL_MS);
    }
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

afterEach(async () => {
  for (const machine of machines) await machine.kill().catch(() => undefined);
  machines.clear();
  removeGuestMemory();
});
