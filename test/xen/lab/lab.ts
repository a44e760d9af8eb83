/**
 * Real Xen with a dom0, for the tests.
 *
 *     boot    --> dom0 runs commands, and Xen's daemons are up
 *     command --> {status, stdout, stderr}
 *     crash   --> after a failure: whether Xen or dom0 has crashed, according to the serial line
 *     stop    --> everything is removed
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Artefacts } from '../build/artefacts.js';
import { type CommandEnd, type CommandOptions, Dom0Commands } from './dom0-commands.js';
import type { EmulatedClock } from './emulated-clock.js';
import { EmulatedMachine } from './emulated-machine.js';
import { brokenGuests, crashIn } from './serial-log.js';

/** The timeout of the boot, which takes 7 s. All timeouts are in milliseconds of dom0's clock. */
const BOOT_MS = 80_000;
const PING_MS = 15_000;
const LOGS_MS = 50_000;
const UNTIL_MS = 80_000;
const POLL_MS = 250;

/** Xen, dom0 or the emulated machine has failed, and not the test. */
export class LabCrash extends Error {}

export class Lab {
  readonly #folder: string;
  readonly #machine: EmulatedMachine;
  readonly #commands: Dom0Commands;
  readonly #clock: EmulatedClock;
  #files = 0;
  #kept = 0;

  private constructor(folder: string, machine: EmulatedMachine, commands: Dom0Commands, clock: EmulatedClock) {
    this.#folder = folder;
    this.#clock = clock;
    this.#machine = machine;
    this.#commands = commands;
  }

  /**
   * Boots the machine and waits until dom0 is up.
   * @param folder the directory for sockets and logs
   * @param cargo the paths of tar archives that are unpacked into dom0's root
   * @throws LabCrash when it does not come up
   */
  static async boot(
    folder: string,
    artefacts: Artefacts,
    cargo: readonly string[],
    clock: EmulatedClock,
  ): Promise<Lab> {
    await mkdir(folder, { recursive: true });
    const machine = EmulatedMachine.start(folder, artefacts, cargo, clock);
    try {
      const commands = await Dom0Commands.connect(machine.port, clock);
      const lab = new Lab(folder, machine, commands, clock);
      await lab.#untilUp();
      for (const [index] of cargo.entries()) {
        await lab.check(`tar -x -C / -f /dev/vd${String.fromCharCode('b'.charCodeAt(0) + index)}`);
      }
      return lab;
    } catch (error) {
      await machine.kill();
      throw new LabCrash(`the lab did not come up: ${machine.end ?? ''}: ${error}`, { cause: error });
    }
  }

  /** Runs a line of bash in dom0, as root. */
  dom0(command: string, options: CommandOptions = {}): Promise<CommandEnd> {
    return this.#commands.run(command, options);
  }

  /** Runs a command that must succeed. @returns its standard output @throws Error when it fails */
  async check(command: string, options: CommandOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.dom0(command, options);
    if (status !== 0) throw new Error(`dom0: ${command}\nended with ${status}: ${stderr}${stdout}`);
    return `${stdout}`;
  }

  /** Returns what Xen, dom0's kernel and guests (on port 0xe9) have written to Xen's console so far. */
  console(): Promise<string> {
    return this.#machine.serial();
  }

  async put(path: string, bytes: Buffer | string): Promise<void> {
    const [here, there] = this.#shared();
    await writeFile(here, bytes);
    await this.check(`mkdir -p "$(dirname '${path}')" && cp '${there}' '${path}'`);
    await rm(here);
  }

  async fetch(path: string): Promise<Buffer> {
    const [here, there] = this.#shared();
    await this.check(`cp '${path}' '${there}'`);
    const bytes = await readFile(here);
    await rm(here);
    return bytes;
  }

  /** Waits until `holds` returns true. @throws Error when this exceeds `timeoutMs` of dom0's clock */
  async until(what: string, holds: () => Promise<boolean>, timeoutMs = UNTIL_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs * this.#clock.slowness;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`timeout after ${timeoutMs} ms of dom0's clock: ${what}`);
      await delay(POLL_MS);
    }
  }

  /** Returns the reason when dom0 does not work; undefined when it does. */
  async crash(): Promise<string | undefined> {
    if (this.#machine.end !== undefined) return this.#machine.end;
    const crash = crashIn(await this.#machine.serial());
    if (crash !== undefined) return `${crash.who} crashed: ${crash.lines.join('\n')}`;
    const responds = await this.dom0('true', { timeoutMs: PING_MS }).then(
      () => true,
      () => false,
    );
    return responds ? undefined : `dom0 does not respond within ${PING_MS} ms of its clock`;
  }

  /** Returns the domains that the emulator has broken so far. */
  async brokenGuests(): Promise<string[]> {
    return brokenGuests(await this.#machine.serial());
  }

  /** Stores dom0's logs beside those of the machine. @returns the path of the directory with all logs */
  async keepLogs(): Promise<string> {
    this.#kept += 1;
    const archive = `/host/dom0-logs-${this.#kept}.tar`;
    const logs = `dmesg > /var/log/dmesg; xl dmesg > /var/log/xl-dmesg; xenstore-ls -f > /var/log/xenstore; tar -cf ${archive} -C / var/log`;
    // If dom0 is dead, its logs are lost. The log of the serial line is on the host.
    await this.dom0(logs, { timeoutMs: LOGS_MS }).catch(() => undefined);
    return this.#folder;
  }

  async stop(): Promise<void> {
    this.#commands.close();
    await this.#machine.kill();
  }

  /** Returns a new path in the shared directory, on the host and in dom0. */
  #shared(): [here: string, there: string] {
    this.#files += 1;
    return [join(this.#machine.share, `${this.#files}`), `/host/${this.#files}`];
  }

  async #untilUp(): Promise<void> {
    const up = this.dom0('until [ -e /run/lab-up ]; do sleep 0.1; done', { timeoutMs: BOOT_MS });
    const watch = new AbortController();
    try {
      await Promise.race([up, this.#untilCrashed(watch.signal)]);
    } finally {
      watch.abort();
    }
  }

  async #untilCrashed(signal: AbortSignal): Promise<never> {
    for (;;) {
      if (this.#machine.end !== undefined) throw new LabCrash(this.#machine.end);
      const crash = crashIn(await this.#machine.serial());
      if (crash !== undefined) throw new LabCrash(`${crash.who} crashed: ${crash.lines.join('\n')}`);
      await delay(POLL_MS, undefined, { signal });
    }
  }
}
