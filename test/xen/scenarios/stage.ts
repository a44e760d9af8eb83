/** The objects that the scenarios share. A scenario uses what exists in this boot, and creates what is missing. */
import type { TransferView } from '../../../src/service/index.js';
import { type GuestOptions, HvmGuest } from '../guests/hvm-guest.js';
import { CHECKS_FOLDER, type CheckName } from '../install/checks.js';
import { Dom0Agent } from '../install/dom0-agent.js';
import type { CommandEnd } from '../lab/dom0-commands.js';
import type { Lab } from '../lab/lab.js';
import type { Session } from '../lab/session.js';

export class Stage {
  readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  test(name: string, body: (lab: Lab) => Promise<void>): void {
    this.session.test(name, body);
  }

  /** Returns the stubferry service, which serves. */
  agent(lab: Lab): Promise<Dom0Agent> {
    return this.session.once('stubferry service', () => Dom0Agent.start(lab));
  }

  /** Returns a guest that counts, in the state in which the previous test has left it. */
  guest(lab: Lab, options: GuestOptions): Promise<HvmGuest> {
    return this.session.once(`guest ${options.name}`, () => HvmGuest.create(lab, options));
  }

  /** Destroys a guest that other tests must not use. */
  async end(guest: HvmGuest): Promise<void> {
    this.session.forget(`guest ${guest.name}`);
    await guest.destroy();
  }
}

/** Ends all guests and the stubferry service. */
export async function clean(lab: Lab): Promise<void> {
  await lab.dom0(`for domid in $(xl list | awk '$2 > 0 { print $2 }'); do xl destroy $domid; done`);
  await Dom0Agent.end(lab);
}

/** Runs a program of in-dom0/ in dom0. */
export function runCheck(lab: Lab, name: CheckName, args: string, timeoutMs: number): Promise<CommandEnd> {
  return lab.dom0(`node ${CHECKS_FOLDER}/${name}.mjs ${args}`, { timeoutMs });
}

/** Returns the transfers that the stubferry service lists, oldest first. */
export async function transfers(lab: Lab): Promise<readonly TransferView[]> {
  const { transfers } = JSON.parse(await lab.check('stubferry transfers --json')) as { transfers: TransferView[] };
  return transfers;
}

/** Returns the last transfer of the stubferry service. */
export async function lastTransfer(lab: Lab): Promise<TransferView> {
  const last = (await transfers(lab)).at(-1);
  if (last === undefined) throw new Error('the stubferry service lists no transfer');
  return last;
}

/** Lists the orphans of transfers in dom0: directories, temporary files, loop devices, and vbds of transfer disks. */
export async function orphans(lab: Lab): Promise<string> {
  return lab.check(
    'ls -d /run/stubferry/*-*-*-*-* /var/lib/xen/*.part 2>/dev/null; losetup -a | grep transfer; ' +
      'xenstore-ls -f /local/domain/0/backend/vbd | grep stubferry; true',
  );
}
