/** The stubdom's agent as a proxy before a real QEMU, and dom0's agent for each save that comes through it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentEvent } from '../../../src/agents/index.js';
import { type Agent, startAgent } from '../agents/agent.js';
import type { Scratch } from '../cli/scratch.js';
import type { Machine } from './machine.js';
import { failureOf, type Operation, Toolstack } from './toolstack.js';

export interface ProxyProcess {
  /** The socket for the toolstack. */
  readonly socket: string;
  readonly agent: Agent;
}

const PATIENCE_MS = 20_000;

/** Resolves when `holds`; fails loudly when it does not in time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !(await holds()); await delay(5)) {
    if (Date.now() > deadline) throw new Error(`${what}: not in ${PATIENCE_MS} ms`);
  }
}

/** Resolves when the agent has told of that `count` times; fails when it ends without. */
export async function untilTold(agent: Agent, event: AgentEvent['event'], count = 1): Promise<void> {
  const told = (): number => agent.events.filter((one) => one.event === event).length;
  await until(`${event} of an agent`, () => {
    if (told() < count && agent.child.exitCode !== null) throw new Error(`the agent ended: ${agent.child.exitCode}`);
    return told() >= count;
  });
}

/** Starts the proxy before `machine`, which may come later; resolves when it listens. */
export async function startProxy(
  scratch: Scratch,
  machine: Pick<Machine, 'qmpPath'>,
  more: readonly string[] = [],
  logLevel?: string,
): Promise<ProxyProcess> {
  const socket = scratch.path('qmp-proxy.sock');
  const place = ['--disk', scratch.disk(), '--spool-dir', scratch.spool, '--fifo-dir', scratch.folder];
  const agent = startAgent('stubdom', [...place, '--qmp', machine.qmpPath, '--qmp-proxy', socket, ...more], logLevel);
  await untilTold(agent, 'listening');
  return { socket, agent };
}

/** Starts dom0's agent for one save; resolves when it is on the disk. */
export async function dom0Saving(scratch: Scratch, output: string, more: readonly string[] = []): Promise<Agent> {
  const place = ['--disk', scratch.disk(), '--spool-dir', scratch.spool];
  const agent = startAgent('dom0', [...place, '--save', output, ...more]);
  await agent.ready;
  return agent;
}

/** The commands of a save, on one connection, as libxl sends them. */
export function saveThrough(proxy: ProxyProcess): Promise<Operation> {
  const save = { execute: 'xen-save-devices-state', arguments: { live: false, filename: '/dev/fdset/1' } };
  return new Toolstack(proxy.socket).operation([{ execute: 'query-version' }, { execute: 'stop' }, save]);
}

/** A save that goes well, into `name`; returns its bytes. Throws what failed. */
export async function saveWell(scratch: Scratch, proxy: ProxyProcess, name: string): Promise<Buffer> {
  const dom0 = await dom0Saving(scratch, scratch.path(name), ['--raw']);
  const failure = failureOf(await saveThrough(proxy));
  const { exit, error } = await dom0.end;
  if (failure !== undefined || exit !== 0) throw new Error(`${failure}; dom0: ${exit} ${JSON.stringify(error)}`);
  return scratch.bytes(name);
}

/** The toolstack lets the guest go on, and it does; then a save that nothing disturbs goes well. */
export async function goesOnAndSaves(scratch: Scratch, machine: Machine, proxy: ProxyProcess): Promise<void> {
  const failure = failureOf(await new Toolstack(proxy.socket).resume());
  if (failure !== undefined) throw new Error(`cont: ${failure}`);
  await machine.untilCounting();
  const state = await saveWell(scratch, proxy, 'second');
  if (state.toString('latin1', 0, 4) !== 'QEVM') throw new Error('the second save is no state');
}
