/**
 * Runs the stubferry service as its systemd unit does. The lab's dom0 has no systemd. A loop replaces it, which
 * implements ExecStart, Environment, UMask, RuntimeDirectory, Restart and RestartSec of the unit, but not the sandbox.
 */
import type { Lab } from '../lab/lab.js';

const UNIT_FOLDER = '/etc/systemd/system/';
const UNIT = `${UNIT_FOLDER}stubferry.service`;
/** The log file of the service in dom0. */
export const LOG = '/var/log/stubferry.log';
const LOOP = '/run/stubferry-loop';
/** The directory of the unit, the save hook and the hotplug script in dom0. */
export const HOST = '/usr/local/lib/node_modules/stubferry/dist/host';

/** Commands of docs/how-to/debian-host.md. */
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

  /** Installs the unit as docs/how-to/debian-host.md describes it, and starts the service. Resolves when it serves. */
  static async start(lab: Lab): Promise<Dom0Agent> {
    await lab.check(`${LOAD_BACKEND} && mkdir -p ${UNIT_FOLDER} && ${INSTALL_UNIT}`);
    await lab.put(`${LOOP}.sh`, SUPERVISE);
    const agent = new Dom0Agent(lab);
    await agent.start();
    return agent;
  }

  /** Starts the service as `systemctl start` does. Resolves when it serves. */
  async start(): Promise<void> {
    await this.#lab.check(`setsid bash ${LOOP}.sh >> ${LOG} 2>&1 < /dev/null & echo $! > ${LOOP}`);
    await this.untilServing();
  }

  async untilServing(): Promise<void> {
    await this.#lab.until(
      'the stubferry service serving',
      async () => (await this.#lab.dom0('stubferry status')).status === 0,
    );
  }

  /** Stops the service as `systemctl stop` does. */
  async stop(): Promise<void> {
    await this.#lab.check(
      `kill $(cat ${LOOP}); kill $(cat ${LOOP}.agent); tail --pid=$(cat ${LOOP}.agent) -f /dev/null`,
    );
  }

  /** Kills the loop and the service, if they run. */
  static async end(lab: Lab): Promise<void> {
    await lab.dom0(`kill -KILL $(cat ${LOOP}) $(cat ${LOOP}.agent)`);
  }

  /** Kills the service. The loop restarts it, as systemd does. */
  async kill(): Promise<void> {
    await this.#lab.check(`kill -KILL $(cat ${LOOP}.agent)`);
  }

  /** Returns the log of the service. */
  log(): Promise<string> {
    return this.#lab.check(`cat ${LOG}`);
  }
}
