/**
 * dom0's agent as its systemd unit runs it. There is no systemd in the lab's dom0: a loop stands for it, which does what
 * the unit says of ExecStart, Environment, UMask, RuntimeDirectory, Restart and RestartSec, and none of its confinement.
 */
import type { Lab } from '../lab/lab.js';

const UNIT_FOLDER = '/etc/systemd/system/';
const UNIT = `${UNIT_FOLDER}stubferry.service`;
export const LOG = '/var/log/stubferry.log';
const LOOP = '/run/stubferry-loop';
export const HOST = '/usr/local/lib/node_modules/stubferry/dist/host';

/** Steps of docs/debian-host.md. */
export const LOAD_BACKEND = 'modprobe -a loop xen-blkback';
export const INSTALL_UNIT = `cp ${HOST}/stubferry.service ${UNIT_FOLDER}`;

const SUPERVISE = `
setting() { sed -n "s/^$1=//p" ${UNIT}; }
umask "$(setting UMask)"
export $(setting Environment)
while :; do
  mkdir -p -m "$(setting RuntimeDirectoryMode)" "/run/$(setting RuntimeDirectory)"
  $(setting ExecStart) &
  echo $! > ${LOOP}.agent
  wait
  sleep 0.2
done
`;

export class Dom0Agent {
  readonly #lab: Lab;

  private constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** What docs/debian-host.md says, and then what `systemctl start` does; resolves when it answers. */
  static async start(lab: Lab): Promise<Dom0Agent> {
    await lab.check(`${LOAD_BACKEND} && mkdir -p ${UNIT_FOLDER} && ${INSTALL_UNIT}`);
    await lab.put(`${LOOP}.sh`, SUPERVISE);
    const agent = new Dom0Agent(lab);
    await agent.start();
    return agent;
  }

  /** `systemctl start`. */
  async start(): Promise<void> {
    await this.#lab.check(`setsid bash ${LOOP}.sh >> ${LOG} 2>&1 < /dev/null & echo $! > ${LOOP}`);
    await this.untilServing();
  }

  async untilServing(): Promise<void> {
    await this.#lab.until("dom0's agent serving", async () => (await this.#lab.dom0('stubferry status')).status === 0);
  }

  /** `systemctl stop`. */
  async stop(): Promise<void> {
    await this.#lab.check(
      `kill $(cat ${LOOP}); kill $(cat ${LOOP}.agent); tail --pid=$(cat ${LOOP}.agent) -f /dev/null`,
    );
  }

  /** If it runs. */
  static async end(lab: Lab): Promise<void> {
    await lab.dom0(`kill -KILL $(cat ${LOOP}) $(cat ${LOOP}.agent)`);
  }

  /** A death without warning. It is started again, as systemd does. */
  async kill(): Promise<void> {
    await this.#lab.check(`kill -KILL $(cat ${LOOP}.agent)`);
  }

  /** What it has logged. */
  log(): Promise<string> {
    return this.#lab.check(`cat ${LOG}`);
  }
}
