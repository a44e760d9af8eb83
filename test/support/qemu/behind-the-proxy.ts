/** The stubdom agent as a QMP proxy in front of a real QEMU, and a dom0 agent for each save through it. */
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

const TIMEOUT_MS = 20_000;

/** Resolves when `holds()` returns true. Throws an error with `what` after a time limit. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + TIMEOUT_MS; !(await holds()); await delay(5)) {
    if (Date.now() > deadline) throw new Error(`${what}: not in ${TIMEOUT_MS} ms`);
  }
}

/** Resolves when the agent has reported the event `count` times. Throws when the agent exits before that. */
export async function untilEvent(agent: Agent, event: AgentEvent['event'], count = 1): Promise<void> {
  const reported = (): number => agent.events.filter((one) => one.event === event).length;
  await until(`${event} of an agent`, () => {
    if (reported() < count && agent.child.exitCode !== null)
      throw new Error(`the agent ended: ${agent.child.exitCode}`);
    return reported() >= count;
  });
}

/** Starts the proxy in front of `machine`, which may start later. Resolves when the proxy listens. */
export async function startProxy(
  scratch: Scratch,
  machine: Pick<Machine, 'qmpPath'>,
  more: readonly string[] = [],
  logLevel?: string,
): Promise<ProxyProcess> {
  const socket = scratch.path('qmp-proxy.sock');
  const paths = ['--disk', scratch.disk(), '--spool-dir', scratch.spool, '--fifo-dir', scratch.folder];
  const agent = startAgent('stubdom', [...paths, '--qmp', machine.qmpPath, '--qmp-proxy', socket, ...more], logLevel);
  await untilEvent(agent, 'listening');
  return { socket, agent };
}

/** Starts a dom0 agent for one save. Resolves when it uses the disk. */
export async function dom0Saving(scratch: Scratch, output: string, more: readonly string[] = []): Promise<Agent> {
  const paths = ['--disk', scratch.disk(), '--spool-dir', scratch.spool];
  const agent = startAgent('dom0', [...paths, '--save', output, ...more]);
  await agent.ready;
  return agent;
}

/** Sends the commands of a save on one connection, as libxl does. */
export function saveThrough(proxy: ProxyProcess): Promise<Operation> {
  const save = { execute: 'xen-save-devices-state', arguments: { live: false, filename: '/dev/fdset/1' } };
  return new Toolstack(proxy.socket).operation([{ execute: 'query-version' }, { execute: 'stop' }, save]);
}

/** Makes a successful save to `name` and returns its bytes. Throws when the save fails. */
export async function saveSuccessfully(scratch: Scratch, proxy: ProxyProcess, name: string): Promise<Buffer> {
  const dom0 = await dom0Saving(scratch, scratch.path(name), ['--raw']);
  const failure = failureOf(await saveThrough(proxy));
  const { exit, error } = await dom0.end;
  if (failure !== undefined || exit !== 0) throw new Error(`${failure}; dom0: ${exit} ${JSON.stringify(error)}`);
  return scratch.bytes(name);
}

/** Checks that the toolstack can resume the guest, and that an undisturbed save succeeds after that. */
export async function resumesAndSaves(scratch: Scratch, machine: Machine, proxy: ProxyProcess): Promise<void> {
  const failure = failureOf(await new Toolstack(proxy.socket).resume());
  if (failure !== undefined) throw new Error(`cont: ${failure}`);
  await machine.untilCounting();
  const state = await saveSuccessfully(scratch, proxy, 'second');
  if (state.toString('latin1', 0, 4) !== 'QEVM') throw new Error('the second save is not a QEMU state');
}
