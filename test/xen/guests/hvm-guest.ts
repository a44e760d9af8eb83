/** A guest that runs the counting boot sector (boot-sector.ts) and is controlled with xl. */
import type { CommandEnd } from '../lab/dom0-commands.js';
import type { Lab } from '../lab/lab.js';
import { quoted } from '../lab/quoted.js';
import { countingSector } from './boot-sector.js';
import { breaksIn, countsOf } from './console-lines.js';
import { type HvmConfig, hvmConfig } from './xl-config.js';

export type GuestOptions = Partial<Omit<HvmConfig, 'name' | 'serial'>> & { readonly name: string };

/** A command that runs in a stubdom. */
export interface StubdomCommand {
  /** The shell command that starts it from dom0. */
  readonly start: string;
  /** Waits for the end of the command. @returns its output @throws Error when it fails */
  ended(timeoutMs: number): Promise<string>;
}

/**
 * The timeout of an xl command, in milliseconds of dom0's clock. A stubdom takes 3 to 5 s to start. libxl itself stops
 * waiting for the device model after 30 s.
 */
const XL_MS = 80_000;
/** The size of the boot disk, in bytes. SeaBIOS accepts a disk of one megabyte and even less. */
const BOOT_DISK_BYTES = 4 << 20;
const FOLDER = '/var/lib/guests';

export class HvmGuest {
  readonly name: string;
  readonly #lab: Lab;
  readonly #serial: string;
  /** The ids of all domains in which the guest has run. The last one is the current domain. */
  readonly #domids: number[] = [];
  /** The name of the guest when its current stubdom was created, after which the stubdom's log is named. */
  #bornAs: string;

  private constructor(lab: Lab, name: string) {
    this.#lab = lab;
    this.name = name;
    this.#bornAs = name;
    this.#serial = `${FOLDER}/${name}.serial`;
  }

  /** Creates a guest, and waits until it counts. */
  static async create(lab: Lab, options: GuestOptions): Promise<HvmGuest> {
    const { name, disks = [], ...rest } = options;
    const guest = new HvmGuest(lab, name);
    const boot = `${FOLDER}/${name}.boot`;
    await lab.put(boot, countingSector());
    await lab.check(`truncate -s ${BOOT_DISK_BYTES} ${boot}`);
    const config = hvmConfig({
      ...{ name, mebibytes: 32, serial: guest.#serial, ...rest },
      disks: [{ target: boot, vdev: 'hda' }, ...disks],
    });
    await lab.put(guest.#config, config);
    await guest.#xl(`create ${guest.#config}`);
    await guest.found();
    await guest.untilCounting();
    return guest;
  }

  /** Returns the numbers that the guest has printed, in all domains in which it has run. */
  async counts(): Promise<number[]> {
    return countsOf(await this.#lab.console(), this.#domids);
  }

  /** Returns the places where the guest did not continue from its previous state; none if it always did. */
  async breaks(): Promise<string[]> {
    return breaksIn(await this.counts());
  }

  /** Waits until the count is greater than `beyond`, by default the current count. @returns the new count */
  async untilCounting(beyond?: number): Promise<number> {
    const from = beyond ?? (await this.#count());
    let count = from;
    await this.#lab.until(`${this.name} counting beyond ${from}`, async () => {
      count = await this.#count();
      return count > from;
    });
    return count;
  }

  get domid(): number {
    return this.#domids.at(-1) ?? 0;
  }

  async stubdomId(): Promise<number> {
    return Number(await this.#lab.check(`xl domid ${this.name}-dm`));
  }

  /** Returns the output of the stubdom on its console 0 so far. */
  async stubdomLog(): Promise<string> {
    return `${(await this.#lab.dom0(`cat /var/log/xen/qemu-dm-${this.#bornAs}.log`)).stdout}`;
  }

  /**
   * Runs a command in the stubdom, whose kernel command line must contain `stubferry.shell`.
   * @returns its output
   * @throws Error when it fails
   */
  async inStubdom(command: string, timeoutMs: number): Promise<string> {
    const { start, ended } = await this.forStubdom(command);
    await this.#lab.check(start);
    return ended(timeoutMs);
  }

  /**
   * Prepares a command as {@link inStubdom} does, but starts it and waits for its end in separate steps. The wait needs
   * processor time of dom0: a process for each look at the log.
   */
  async forStubdom(command: string): Promise<StubdomCommand> {
    const before = (await this.stubdomLog()).length;
    const key = `/local/domain/${await this.stubdomId()}/data/stubferry/command`;
    const pattern = /^stubferry-command> .*\n([\s\S]*?)^stubferry-command ended with status (\d+)$/m;
    return {
      // xenstore-write interprets backslash escapes.
      start: `xenstore-write ${key} ${quoted(command.replaceAll('\\', '\\\\'))}`,
      ended: async (timeoutMs) => {
        let end: RegExpExecArray | null = null;
        const hasEnded = async (): Promise<boolean> => {
          end = pattern.exec((await this.stubdomLog()).slice(before).replaceAll('\r', ''));
          return end !== null;
        };
        await this.#lab.until(`the end of ${command}`, hasEnded, timeoutMs);
        const [, printed = '', status] = end ?? [];
        if (status !== '0') throw new Error(`in the stubdom: ${command} ended with ${status}: ${printed}`);
        return printed;
      },
    };
  }

  /** Runs `xl save`. With the option `-c` the guest keeps running afterwards. */
  save(path: string, options = ''): Promise<CommandEnd> {
    return this.#lab.dom0(`xl save ${options} ${this.name} ${path}`, { timeoutMs: XL_MS });
  }

  /** Migrates the guest live to the same host, and waits until it continues to count. @throws Error when xl fails */
  async migrate(): Promise<void> {
    const last = (await this.counts()).at(-1);
    await this.#xl(`migrate ${this.name} localhost`);
    this.#bornAs = `${this.name}--incoming`;
    await this.found();
    await this.untilCounting(last);
  }

  /** Restores the guest, and waits until it continues to count. @throws Error when xl fails */
  async restore(path: string): Promise<void> {
    const last = (await this.counts()).at(-1);
    this.#bornAs = this.name;
    await this.#xl(`restore ${path}`);
    await this.found();
    await this.untilCounting(last);
  }

  /** Finds the current domain of the guest. */
  async found(): Promise<void> {
    this.#domids.push(Number(await this.#lab.check(`xl domid ${this.name}`)));
  }

  async destroy(): Promise<void> {
    await this.#lab.check(`xl destroy ${this.name}`);
  }

  async #xl(command: string): Promise<void> {
    const { status, stderr } = await this.#lab.dom0(`xl ${command}`, { timeoutMs: XL_MS });
    if (status !== 0) throw new Error(`xl ${command} ended with ${status}: ${stderr}`);
  }

  get #config(): string {
    return `${FOLDER}/${this.name}.cfg`;
  }

  async #count(): Promise<number> {
    return (await this.counts()).at(-1) ?? 0;
  }
}
