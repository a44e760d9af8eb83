/**
 * Real Xen with a dom0, as the tests have it.
 *
 *     boot    --> dom0 runs commands, Xen's daemons are up
 *     command --> {status, stdout, stderr}
 *     crash   --> what the serial line says of Xen and dom0 when something failed: was it they, or the test?
 *     stop    --> nothing is left
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Artefacts } from '../build/artefacts.js';
import { type CommandEnd, type CommandOptions, Dom0Commands } from './dom0-commands.js';
import type { EmulatedClock } from './emulated-clock.js';
import { EmulatedMachine } from './emulated-machine.js';
import { brokenGuests, crashIn } from './serial-log.js';

/** By dom0's clock, as all limits here: it takes 7 s. */
const BOOT_MS = 80_000;
const PING_MS = 15_000;
const LOGS_MS = 50_000;
const UNTIL_MS = 80_000;
const POLL_MS = 250;

/** Not the test failed, but what it runs on. */
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
   * `folder` gets the sockets and logs; `cargo` are tar archives that are unpacked into dom0's root.
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

  /** What a command prints that has to succeed. */
  async check(command: string, options: CommandOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.dom0(command, options);
    if (status !== 0) throw new Error(`dom0: ${command}\nended with ${status}: ${stderr}${stdout}`);
    return `${stdout}`;
  }

  /** What Xen, dom0's kernel and guests (on port 0xe9) have written to Xen's console so far. */
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

  /** Resolves when it holds, or throws when that takes too long by dom0's clock. */
  async until(what: string, holds: () => Promise<boolean>, timeoutMs = UNTIL_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs * this.#clock.slowness;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`${what}: not in ${timeoutMs} ms of dom0's clock`);
      await delay(POLL_MS);
    }
  }

  /** Why there is no dom0 any more to test with, if so. */
  async crash(): Promise<string | undefined> {
    if (this.#machine.end !== undefined) return this.#machine.end;
    const crash = crashIn(await this.#machine.serial());
    if (crash !== undefined) return `${crash.who} crashed: ${crash.lines.join('\n')}`;
    const answered = await this.dom0('true', { timeoutMs: PING_MS }).then(
      () => true,
      () => false,
    );
    return answered ? undefined : `dom0 does not answer within ${PING_MS} ms of its clock`;
  }

  /** The domains that the emulator has broken so far. */
  async brokenGuests(): Promise<string[]> {
    return brokenGuests(await this.#machine.serial());
  }

  /** Puts dom0's logs beside those of the machine; resolves with the folder that has all. */
  async keepLogs(): Promise<string> {
    this.#kept += 1;
    const archive = `/host/dom0-logs-${this.#kept}.tar`;
    const logs = `dmesg > /var/log/dmesg; xl dmesg > /var/log/xl-dmesg; xenstore-ls -f > /var/log/xenstore; tar -cf ${archive} -C / var/log`;
    // If dom0 is dead, its logs are lost with it; the serial line's are here.
    await this.dom0(logs, { timeoutMs: LOGS_MS }).catch(() => undefined);
    return this.#folder;
  }

  async stop(): Promise<void> {
    this.#commands.close();
    await this.#machine.kill();
  }

  /** A new name in the shared folder, as it is called here and in dom0. */
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
