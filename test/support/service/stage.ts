/** Dom0's agent as a service, with a real xenstored, and domains as libxl 4.17 lays them out in it. */
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
  readonly stubdom: number;
  readonly target: number;
  /** The stubdom's /dev/xen/xenbus. */
  readonly xenbus: string;
}

const NEVER = new AbortController().signal;

export const UUID = '5f1ac4ae-0000-4000-8000-0000000000';

export class ServiceStage {
  readonly folder: string;
  readonly xenstored: Xenstored;
  readonly xenstore: XenstoreClient;
  readonly #agents: Agent[] = [];

  private constructor(folder: string, xenstored: Xenstored, xenstore: XenstoreClient) {
    this.folder = folder;
    this.xenstored = xenstored;
    this.xenstore = xenstore;
    for (const name of ['run', 'state', 'spool']) mkdirSync(join(folder, name), { mode: 0o700 });
  }

  static async open(): Promise<ServiceStage> {
    const xenstored = await startXenstored();
    const folder = await mkdtemp('/dev/shm/service-');
    return new ServiceStage(folder, xenstored, await XenstoreClient.connect({ path: xenstored.socket }));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  get control(): string {
    return this.path('run/control.sock');
  }

  /** Starts dom0's agent; resolves when it serves. */
  async service(...more: readonly string[]): Promise<Agent> {
    const places = ['--transfer-dir', this.path('run'), '--state-dir', this.path('state'), '--control', this.control];
    const agent = startAgent('dom0', ['--attach', 'file', '--xenstore', this.xenstored.socket, ...places, ...more]);
    this.#agents.push(agent);
    await until(() => agent.events.some(({ event }) => event === 'serving') || agent.child.exitCode !== null);
    return agent;
  }

  /** Ends the service as systemd does. */
  async stopService(): Promise<void> {
    const agent = this.#agents.findLast(({ events }) => events.some(({ event }) => event === 'serving'));
    agent?.child.kill('SIGTERM');
    await agent?.ended;
  }

  /** What libxl writes of a target and of its device model, as far as dom0's agent looks at it. */
  async pair(stubdom: number, target: number): Promise<Pair> {
    const { xenstore } = this;
    const home = async (domid: number): Promise<string> => {
      const path = `/local/domain/${domid}`;
      await xenstore.mkdir(path);
      await xenstore.setPermissions(path, { owner: 0, domains: [{ domid, read: true, write: false }] });
      await xenstore.write(`${path}/domid`, `${domid}`);
      await xenstore.mkdir(`${path}/data`);
      await xenstore.setPermissions(`${path}/data`, { owner: domid, domains: [] });
      return path;
    };
    const ofTarget = await home(target);
    await xenstore.write(`${ofTarget}/vm`, `/vm/${UUID}${`${target}`.padStart(2, '0')}`);
    await xenstore.write(`${ofTarget}/image/device-model-domid`, `${stubdom}`);
    await this.xenstored.introduce(target);
    const ofStubdom = await home(stubdom);
    const xenbus = await this.xenstored.introduce(stubdom);
    await xenstore.write(`${ofStubdom}/target`, `${target}`);
    return { stubdom, target, xenbus };
  }

  /** A stubdom's agent with one transfer to do. */
  stubdom(pair: Pair, ...args: readonly string[]): Agent {
    const agent = startAgent('stubdom', ['--xenstore', pair.xenbus, '--spool-dir', this.path('spool'), ...args]);
    this.#agents.push(agent);
    return agent;
  }

  #status(): Promise<ServiceStatus> {
    return askService(this.control, { command: 'status' }, NEVER);
  }

  /** Resolves when somebody follows the transfers. */
  async untilFollowed(): Promise<void> {
    while ((await this.#status()).followers === 0) await delay(20);
  }

  transfers(): Promise<readonly TransferView[]> {
    return askService(this.control, { command: 'transfers' }, NEVER);
  }

  /** What the hook does. */
  prepare(target: number): Promise<TransferView> {
    return askService(this.control, { command: 'prepare', target }, NEVER);
  }

  /** Resolves when no transfer is under way. */
  async untilIdle(): Promise<void> {
    while ((await this.#status()).underWay > 0) await delay(20);
  }

  /** The state that was committed for a target, if there is one. */
  saved(target: number): Buffer | undefined {
    const path = this.path(`state/qemu-save.${target}`);
    return existsSync(path) ? readFileSync(path) : undefined;
  }

  /** The toolstack has read it. */
  forget(target: number): void {
    rmSync(this.path(`state/qemu-save.${target}`), { force: true });
  }

  /** What is left in the agent's folder beside its sockets and its lock. */
  async left(): Promise<string[]> {
    const names = await readdir(this.path('run'));
    return names.filter((name) => !['control.sock', 'metrics.sock', 'service.lock'].includes(name)).sort();
  }

  async close(): Promise<void> {
    for (const agent of this.#agents) agent.child.kill('SIGKILL');
    for (const agent of this.#agents) await agent.ended;
    await this.xenstore.close();
    await this.xenstored.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The answer to that request of a stubdom, as it stands in xenstore. */
export async function untilAnswered({ xenstore }: ServiceStage, stubdom: number, nonce: string): Promise<string> {
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
