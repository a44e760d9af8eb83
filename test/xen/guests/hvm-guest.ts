/** A guest that counts (boot-sector.ts), under xl. */
import type { CommandEnd } from '../lab/dom0-commands.js';
import type { Lab } from '../lab/lab.js';
import { quoted } from '../lab/quoted.js';
import { countingSector } from './boot-sector.js';
import { breaksIn, countsOf } from './console-lines.js';
import { type HvmConfig, hvmConfig } from './xl-config.js';

export type GuestOptions = Partial<Omit<HvmConfig, 'name' | 'serial'>> & { readonly name: string };

/** A command for a stubdom. */
export interface StubdomCommand {
  /** The line of dom0 that starts it. */
  readonly start: string;
  /** What it has printed in the end. @throws Error when it fails */
  ended(timeoutMs: number): Promise<string>;
}

/** By dom0's clock. A stubdom that starts takes 3 to 5 s; libxl gives up on its device model by itself after 30 s. */
const XL_MS = 80_000;
/** A megabyte is more than SeaBIOS wants, to take it for a disk. */
const BOOT_DISK_BYTES = 4 << 20;
const FOLDER = '/var/lib/guests';

export class HvmGuest {
  readonly name: string;
  readonly #lab: Lab;
  readonly #serial: string;
  /** Of all the domains that it has been; the present one is the last. */
  readonly #domids: number[] = [];
  /** What it was called when its stubdom came: of that its log has its name. */
  #bornAs: string;

  private constructor(lab: Lab, name: string) {
    this.#lab = lab;
    this.name = name;
    this.#bornAs = name;
    this.#serial = `${FOLDER}/${name}.serial`;
  }

  /** Creates it, and waits until it counts. */
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

  /** The numbers it has printed, in all the domains that it has been. */
  async counts(): Promise<number[]> {
    return countsOf(await this.#lab.console(), this.#domids);
  }

  /** Where it did not go on from what it was: empty, if it always did. */
  async breaks(): Promise<string[]> {
    return breaksIn(await this.counts());
  }

  /** Resolves with the count as soon as it is beyond that number: the present one, if none is said. */
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

  /** The stubdom's console 0 so far. */
  async stubdomLog(): Promise<string> {
    return `${(await this.#lab.dom0(`cat /var/log/xen/qemu-dm-${this.#bornAs}.log`)).stdout}`;
  }

  /** What a command printed in a stubdom of which `stubferry.shell` is on the kernel command line. @throws Error when it fails */
  async inStubdom(command: string, timeoutMs: number): Promise<string> {
    const { start, ended } = await this.forStubdom(command);
    await this.#lab.check(start);
    return ended(timeoutMs);
  }

  /** The same in two steps, as waiting for its end takes of dom0's processor: a process each time that the log is looked at. */
  async forStubdom(command: string): Promise<StubdomCommand> {
    const before = (await this.stubdomLog()).length;
    const key = `/local/domain/${await this.stubdomId()}/data/stubferry/command`;
    const pattern = /^stubferry-command> .*\n([\s\S]*?)^stubferry-command ended with status (\d+)$/m;
    return {
      // xenstore-write takes what follows a backslash for something else.
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

  /** With `-c` the guest goes on afterwards. */
  save(path: string, options = ''): Promise<CommandEnd> {
    return this.#lab.dom0(`xl save ${options} ${this.name} ${path}`, { timeoutMs: XL_MS });
  }

  /** Live, to the same host. Succeeds, and the guest counts on. */
  async migrate(): Promise<void> {
    const last = (await this.counts()).at(-1);
    await this.#xl(`migrate ${this.name} localhost`);
    this.#bornAs = `${this.name}--incoming`;
    await this.found();
    await this.untilCounting(last);
  }

  /** Succeeds, and the guest counts on. */
  async restore(path: string): Promise<void> {
    const last = (await this.counts()).at(-1);
    this.#bornAs = this.name;
    await this.#xl(`restore ${path}`);
    await this.found();
    await this.untilCounting(last);
  }

  /** Looks for the domain that it is now. */
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
