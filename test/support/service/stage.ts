/** The stubferry service with a real xenstored, and domains with the keys that libxl 4.17 writes for them. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { REPLY_KEY } from '../../../src/formats/protocol/request.js';
import { askService, type ServiceStatus, type TransferView } from '../../../src/service/index.js';
import { XenstoreClient } from '../../../src/xen/xenstore/index.js';
import { type Agent, startAgent } from '../agents/agent.js';
import { until } from '../qmp/until.js';
import { startXenstored, type Xenstored } from '../xenstore/xenstored.js';

/** A stubdom and its target. */
export interface Pair {
  /** The domain id of the stubdom. */
  readonly stubdom: number;
  /** The domain id of the target. */
  readonly target: number;
  /** The socket that stands for the stubdom's /dev/xen/xenbus. */
  readonly xenbus: string;
}

const NEVER = new AbortController().signal;

/** The UUIDs of all targets without their last two digits, which are the domain id. */
export const UUID = '5f1ac4ae-0000-4000-8000-0000000000';

/** A stage for the service: its directories, a xenstored, and the agents that a test starts. */
export class ServiceStage {
  /** The directory of everything on the stage. */
  readonly directory: string;
  readonly xenstored: Xenstored;
  readonly xenstore: XenstoreClient;
  readonly #agents: Agent[] = [];

  private constructor(directory: string, xenstored: Xenstored, xenstore: XenstoreClient) {
    this.directory = directory;
    this.xenstored = xenstored;
    this.xenstore = xenstore;
    for (const name of ['run', 'state', 'spool']) mkdirSync(join(directory, name), { mode: 0o700 });
  }

  /** Starts a xenstored and creates the directories. */
  static async open(): Promise<ServiceStage> {
    const xenstored = await startXenstored();
    const directory = await mkdtemp('/dev/shm/service-');
    return new ServiceStage(directory, xenstored, await XenstoreClient.connect({ path: xenstored.socket }));
  }

  /** The path of a file on the stage. */
  path(name: string): string {
    return join(this.directory, name);
  }

  /** The path of the control socket. */
  get control(): string {
    return this.path('run/control.sock');
  }

  /** Starts the service. Resolves when it serves, or has ended. */
  async service(...more: readonly string[]): Promise<Agent> {
    const paths = ['--transfer-dir', this.path('run'), '--state-dir', this.path('state'), '--control', this.control];
    const agent = startAgent('dom0', ['--attach', 'file', '--xenstore', this.xenstored.socket, ...paths, ...more]);
    this.#agents.push(agent);
    await until(() => agent.events.some(({ event }) => event === 'serving') || agent.child.exitCode !== null);
    return agent;
  }

  /** Stops the service in the same way as systemd. */
  async stopService(): Promise<void> {
    const agent = this.#agents.findLast(({ events }) => events.some(({ event }) => event === 'serving'));
    agent?.child.kill('SIGTERM');
    await agent?.ended;
  }

  /** Writes the keys of libxl for a target and its device model that the service reads. */
  async pair(stubdom: number, target: number): Promise<Pair> {
    const { xenstore } = this;
    const makeDomain = async (domid: number): Promise<string> => {
      const path = `/local/domain/${domid}`;
      await xenstore.mkdir(path);
      await xenstore.setPermissions(path, { owner: 0, domains: [{ domid, read: true, write: false }] });
      await xenstore.write(`${path}/domid`, `${domid}`);
      await xenstore.mkdir(`${path}/data`);
      await xenstore.setPermissions(`${path}/data`, { owner: domid, domains: [] });
      return path;
    };
    const targetPath = await makeDomain(target);
    await xenstore.write(`${targetPath}/vm`, `/vm/${UUID}${`${target}`.padStart(2, '0')}`);
    await xenstore.write(`${targetPath}/image/device-model-domid`, `${stubdom}`);
    await this.xenstored.introduce(target);
    const stubdomPath = await makeDomain(stubdom);
    const xenbus = await this.xenstored.introduce(stubdom);
    await xenstore.write(`${stubdomPath}/target`, `${target}`);
    return { stubdom, target, xenbus };
  }

  /** Starts a stubdom agent for one transfer. */
  stubdom(pair: Pair, ...args: readonly string[]): Agent {
    const agent = startAgent('stubdom', ['--xenstore', pair.xenbus, '--spool-dir', this.path('spool'), ...args]);
    this.#agents.push(agent);
    return agent;
  }

  #status(): Promise<ServiceStatus> {
    return askService(this.control, { command: 'status' }, NEVER);
  }

  /** Resolves when a client subscribes to the transfers. */
  async untilSubscribed(): Promise<void> {
    while ((await this.#status()).followers === 0) await delay(20);
  }

  /** The active transfers, and the last ones that ended. */
  transfers(): Promise<readonly TransferView[]> {
    return askService(this.control, { command: 'transfers' }, NEVER);
  }

  /** Pre-attaches a disk, as the save hook does. */
  prepare(target: number): Promise<TransferView> {
    return askService(this.control, { command: 'prepare', target }, NEVER);
  }

  /** Resolves when no transfer is active. */
  async untilIdle(): Promise<void> {
    while ((await this.#status()).underWay > 0) await delay(20);
  }

  /** The committed state of a target, if there is one. */
  saved(target: number): Buffer | undefined {
    const path = this.path(`state/qemu-save.${target}`);
    return existsSync(path) ? readFileSync(path) : undefined;
  }

  /** Removes the committed state of a target, as the toolstack does after it has read it. */
  removeSaved(target: number): void {
    rmSync(this.path(`state/qemu-save.${target}`), { force: true });
  }

  /** The entries of the transfer directory other than the sockets and the lock. */
  async remaining(): Promise<string[]> {
    const names = await readdir(this.path('run'));
    return names.filter((name) => !['control.sock', 'metrics.sock', 'service.lock'].includes(name)).sort();
  }

  /** Ends everything on the stage and removes the directories. */
  async close(): Promise<void> {
    for (const agent of this.#agents) agent.child.kill('SIGKILL');
    for (const agent of this.#agents) await agent.ended;
    await this.xenstore.close();
    await this.xenstored.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Waits for the reply to a request of a stubdom. @returns the value of the key in xenstore */
export async function untilReplied({ xenstore }: ServiceStage, stubdom: number, nonce: string): Promise<string> {
  const key = `/local/domain/${stubdom}/${REPLY_KEY}`;
  let found: string | undefined;
  const watch = await xenstore.watch(key, async () => {
    const text = await xenstore.read(key);
    if (text?.includes(nonce) === true) found = text;
  });
  await until(() => found !== undefined);
  await watch.close();
  return found ?? '';
}
