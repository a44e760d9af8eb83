/** What the scenarios share: each takes it as it finds it, and what is not there in this boot is made. */
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

  /** dom0's agent, serving. */
  agent(lab: Lab): Promise<Dom0Agent> {
    return this.session.once("dom0's agent", () => Dom0Agent.start(lab));
  }

  /** A guest that counts, as it was left by whoever used it before. */
  guest(lab: Lab, options: GuestOptions): Promise<HvmGuest> {
    return this.session.once(`guest ${options.name}`, () => HvmGuest.create(lab, options));
  }

  /** The guest is not there any more, or not as it was. */
  async end(guest: HvmGuest): Promise<void> {
    this.session.forget(`guest ${guest.name}`);
    await guest.destroy();
  }
}

/** Ends all guests, and dom0's agent. */
export async function clean(lab: Lab): Promise<void> {
  await lab.dom0(`for domid in $(xl list | awk '$2 > 0 { print $2 }'); do xl destroy $domid; done`);
  await Dom0Agent.end(lab);
}

/** Runs a program of in-dom0/. */
export function runCheck(lab: Lab, name: CheckName, args: string, timeoutMs: number): Promise<CommandEnd> {
  return lab.dom0(`node ${CHECKS_FOLDER}/${name}.mjs ${args}`, { timeoutMs });
}

/** The transfers that dom0's agent tells of, the oldest first. */
export async function transfers(lab: Lab): Promise<readonly TransferView[]> {
  const { transfers } = JSON.parse(await lab.check('stubferry transfers --json')) as { transfers: TransferView[] };
  return transfers;
}

/** The last one. */
export async function lastTransfer(lab: Lab): Promise<TransferView> {
  const last = (await transfers(lab)).at(-1);
  if (last === undefined) throw new Error("dom0's agent tells of no transfer");
  return last;
}

/** Traces of transfers in dom0: folders, loop devices, vbds beyond the guests' own disks, temporaries. */
export async function orphans(lab: Lab): Promise<string> {
  return lab.check(
    'ls -d /run/stubferry/*-*-*-*-* /var/lib/xen/*.part 2>/dev/null; losetup -a | grep transfer; ' +
      'xenstore-ls -f /local/domain/0/backend/vbd | grep stubferry; true',
  );
}
