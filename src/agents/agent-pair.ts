/**
 * Both agents on this machine, over a transfer disk in a folder of its own: what `save`, `restore` and `replay` do when
 * there is no Xen.
 *
 *     this process --starts--> dom0 agent    --.
 *                  --starts--> stubdom agent --+-- transfer disk (a sparse file)
 *
 * The receiver's word decides: it is the one that has checked the state and made it durable. What a killed agent could
 * not clean up, this process does.
 */
import { randomUUID } from 'node:crypto';
import { lstat, mkdtemp, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Direction } from '../codec/superblock.js';
import { partPath } from '../endpoints/index.js';
import { errnoOf, StubferryError } from '../errors/index.js';
import type { AgentEvent } from './agent-events.js';
import { type AgentOutcome, type AgentProcess, startAgent } from './agent-process.js';
import type { TransferReport } from './transfer-report.js';

export interface PairOptions {
  readonly program: readonly string[];
  readonly direction: Direction;
  /** File, FIFO or `-`: the source of the stubdom in a save, the state in dom0 in a restore. */
  readonly input: string;
  /** File, FIFO or `-`. */
  readonly output: string;
  /** Whether a file at the destination may be replaced. */
  readonly replace: boolean;
  /** Where the folder of the transfer disk is made. */
  readonly transferDir: string;
  /** More arguments for the agents, by their command lines. */
  readonly dom0Args: readonly string[];
  readonly stubdomArgs: readonly string[];
  readonly signal: AbortSignal;
  readonly onEvent?: (agent: 'dom0' | 'stubdom', event: AgentEvent) => void;
}

/** What both agents reported. */
export interface PairReport {
  readonly transfer: string;
  readonly sender: TransferReport | undefined;
  readonly receiver: TransferReport;
}

/** @throws StubferryError; then there is nothing new at the destination */
export async function runPair(options: PairOptions): Promise<PairReport> {
  const transfer = randomUUID();
  const wasThere = await exists(options.output);
  const folder = await makeFolder(options.transferDir);
  try {
    const [dom0, stubdom] = await startBoth(options, transfer, join(folder, 'transfer.img'));
    const [sender, receiver] = options.direction === 'save' ? [stubdom, dom0] : [dom0, stubdom];
    if (receiver.ok) return { transfer, sender: sender.ok ? sender.report : undefined, receiver: receiver.report };
    await cleanDestination(options, transfer, wasThere);
    throw decisive(receiver.error, sender);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function startBoth(options: PairOptions, transfer: string, disk: string): Promise<[AgentOutcome, AgentOutcome]> {
  const { program, direction, input, output, onEvent } = options;
  const common = ['--disk', disk, '--transfer', transfer, ...(options.replace ? ['--force'] : [])];
  const save = direction === 'save';
  const dom0 = startAgent({
    program,
    name: 'dom0',
    args: [...common, ...(save ? ['--save', output] : ['--restore', input]), ...options.dom0Args],
    stdin: save ? 'ignore' : 'inherit',
    stdout: save ? 'inherit' : 'ignore',
    onEvent: (event) => onEvent?.('dom0', event),
  });
  const stubdom = startAgent({
    program,
    name: 'stubdom',
    args: [...common, ...(save ? ['--source', input] : ['--sink', output]), ...options.stubdomArgs],
    stdin: save ? 'inherit' : 'ignore',
    stdout: save ? 'ignore' : 'inherit',
    onEvent: (event) => onEvent?.('stubdom', event),
  });
  return supervise(dom0, stubdom, options.signal);
}

/**
 * Waits for both. On the disk each notices by itself what becomes of the other; an agent that is not there yet, or whose
 * peer never came to be there, would wait in vain and is ended.
 */
async function supervise(
  dom0: AgentProcess,
  stubdom: AgentProcess,
  signal: AbortSignal,
): Promise<[AgentOutcome, AgentOutcome]> {
  const stop = (): void => {
    dom0.kill('SIGTERM');
    stubdom.kill('SIGTERM');
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const endTogether = async (one: AgentProcess, other: AgentProcess): Promise<AgentOutcome> => {
    const outcome = await one.outcome;
    if (!outcome.ok && !(one.isReady() && other.isReady())) other.kill('SIGTERM');
    return outcome;
  };
  try {
    return await Promise.all([endTogether(dom0, stubdom), endTogether(stubdom, dom0)]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Of two errors, the one that is the cause: an agent that only heard of the other's trouble has nothing to add. */
function decisive(receiver: StubferryError, sender: AgentOutcome): StubferryError {
  if (sender.ok) return receiver;
  const hearsay = new Set(['PEER_ABORTED', 'PEER_DEAD', 'PEER_ABSENT', 'DISK_ABSENT', 'CANCELLED']);
  const [cause, other] = hearsay.has(receiver.code) ? [sender.error, receiver] : [receiver, sender.error];
  if (cause.code !== 'AGENT_DIED') return cause;
  return new StubferryError('AGENT_DIED', `${cause.message}; the other one says: ${other.code}: ${other.message}`, {
    ...cause.details,
    cause: other,
  });
}

/** Removes what a killed agent left at the destination. A file that was there before is not ours to touch. */
async function cleanDestination(options: PairOptions, transfer: string, wasThere: boolean): Promise<void> {
  if (options.output === '-') return;
  await unlink(partPath(options.output, transfer)).catch(() => undefined);
  if (!wasThere) await unlink(options.output).catch(() => undefined);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function makeFolder(parent: string): Promise<string> {
  try {
    return await mkdtemp(join(parent, 'stubferry-'));
  } catch (cause) {
    throw new StubferryError('DISK_NO_SPACE', 'cannot make the folder for the transfer disk', {
      where: parent,
      found: errnoOf(cause),
      hint: 'name another one with --transfer-dir',
      cause,
    });
  }
}
