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
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fstatSync, statSync, symlinkSync } from 'node:fs';
import { lstat, mkdtemp, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, errnoOf, StubferryError } from '../../base/errors/index.js';
import type { Log } from '../../base/log.js';
import { atMost, systemClock } from '../../base/time/index.js';
import type { Direction } from '../../formats/protocol/superblock.js';
import { type FileIdentity, temporaryPath } from '../../io/index.js';
import { resumeGuest } from '../../qemu/index.js';
import { type DriverName, driverFor } from '../../xen/hotplug/index.js';
import type { AgentEvent } from '../agent-events.js';
import type { TransferReport } from '../transfer-report.js';
import { type AgentOutcome, type AgentProcess, startAgent } from './agent-process.js';

export interface PairOptions {
  readonly program: readonly string[];
  readonly direction: Direction;
  /** File, FIFO or `-`: the source of the stubdom in a save, the state in dom0 in a restore. With `qemu`, for messages. */
  readonly input: string;
  /** File, FIFO or `-`. */
  readonly output: string;
  /** The stubdom's end, when that is not a path. */
  readonly qemu: QemuEnd | undefined;
  /** Whether a file at the destination may be replaced. */
  readonly replace: boolean;
  /** Where the folder of the transfer disk is made. */
  readonly transferDir: string;
  /** How the disk comes to the stubdom's agent. */
  readonly attach: DriverName;
  /** More arguments for the agents, by their command lines. */
  readonly dom0Args: readonly string[];
  readonly stubdomArgs: readonly string[];
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly onEvent?: (agent: 'dom0' | 'stubdom', event: AgentEvent) => void;
}

/** A QEMU at the stubdom's end. */
export interface QemuEnd {
  /** Socket of its monitor. */
  readonly qmp: string;
  /** Options for the stubdom's agent. */
  readonly args: readonly string[];
  /** A descriptor for the stubdom's agent. */
  readonly given: number | undefined;
  /** After a save that went well the guest goes on. */
  readonly goesOn: boolean;
}

/** What the agents reported of a state that is safe. */
export interface PairReport {
  readonly transfer: string;
  readonly state: TransferReport;
  /** Whether the sender lived to hear that the state is safe. */
  readonly senderHeard: boolean;
}

/** Between the moments in which two agents notice that their disk hangs, at most, milliseconds. */
const HUNG_TOGETHER_MS = 15_000;

/** For the folder of the transfer disk to be removed, milliseconds. */
const REMOVAL_MS = 3_000;

/** @throws StubferryError; then there is nothing new at the destination */
export async function runPair(options: PairOptions): Promise<PairReport> {
  const transfer = randomUUID();
  const folder = await makeFolder(options.transferDir);
  let published: FileIdentity | undefined;
  let guestStopped = false;
  const onEvent: PairOptions['onEvent'] = (agent, event) => {
    if (event.event === 'publishing') published = event.file;
    if (event.event === 'guest') guestStopped = event.status === 'stopped';
    options.onEvent?.(agent, event);
  };
  try {
    const [dom0, stubdom] = await startBoth({ ...options, onEvent }, transfer, folder);
    const [sender, receiver] = options.direction === 'save' ? [stubdom, dom0] : [dom0, stubdom];
    const isSafe = receiver.ok || sender.ok;
    const diedOnDuty = !stubdom.ok && stubdom.error.code === 'AGENT_DIED' && guestStopped;
    const shallGoOn = options.qemu !== undefined && (!isSafe || options.qemu.goesOn);
    const stuck = diedOnDuty && shallGoOn ? await resumeGuest(options.qemu.qmp, folder) : undefined;
    // A sender that ended well has read the receiver's word on the disk: that counts, whatever became of the receiver.
    if (isSafe && stuck !== undefined) throw stuck;
    if (receiver.ok) return { transfer, state: receiver.report, senderHeard: sender.ok };
    if (sender.ok) return { transfer, state: sender.report, senderHeard: true };
    await cleanDestination(options, transfer, published).catch(() => undefined);
    const cause = options.signal.aborted
      ? StubferryError.from(options.signal.reason)
      : decisive(receiver.error, sender.error);
    throw stuck === undefined ? cause : withGuestStopped(cause, stuck);
  } finally {
    await detachLeftovers(options.attach, join(folder, DISK));
    await removeFolder(folder, options.log);
  }
}

/** By a process of its own, since this one could not end with an I/O thread in a file system that does not answer. */
async function removeFolder(folder: string, log: Log): Promise<void> {
  const remover = spawn('rm', ['-rf', '--', folder], { stdio: 'ignore', detached: true });
  const status = new Promise<number | null>((resolve) => {
    remover.once('error', () => resolve(null));
    remover.once('exit', resolve);
  });
  if ((await atMost(systemClock, REMOVAL_MS, status)) && (await status) === 0) return;
  remover.unref();
  log.warn({ folder }, 'the folder of the transfer disk is still there');
}

/** Why the save failed, and what is to be done at once. */
function withGuestStopped(cause: StubferryError, stuck: StubferryError): StubferryError {
  const { code, message, details } = cause;
  return new StubferryError(code, `${message}; ${stuck.message}`, { ...details, hint: stuck.details.hint });
}

/** Names in the folder: the disk as dom0 has it, and a link to the device as which the stubdom gets it, once it is attached. */
const DISK = 'transfer.img';
const DEVICE = 'device';

/** A dom0 agent that was killed has left its disk attached. */
async function detachLeftovers(attach: DriverName, disk: string): Promise<void> {
  const driver = driverFor(attach);
  for (const orphan of await driver.orphans()) {
    if (orphan.backing === disk) await driver.detach(orphan);
  }
}

async function startBoth(
  options: PairOptions,
  transfer: string,
  folder: string,
): Promise<[AgentOutcome, AgentOutcome]> {
  const { program, direction, input, output, qemu, onEvent } = options;
  const disk = join(folder, DISK);
  const device = options.attach === 'file' ? disk : join(folder, DEVICE);
  const common = ['--transfer', transfer, ...(options.replace ? ['--force'] : [])];
  if (liesInFile(input)) common.push('--no-warm-up');
  const save = direction === 'save';
  const dom0End = save ? ['--save', output] : ['--restore', input];
  const dom0 = startAgent({
    program,
    name: 'dom0',
    args: ['--disk', disk, '--attach', options.attach, ...common, ...dom0End, ...options.dom0Args],
    stdin: save ? 'ignore' : 'inherit',
    stdout: save ? 'inherit' : 'ignore',
    onEvent: (event) => {
      if (event.event === 'attached' && device !== disk) symlinkSync(event.device, device);
      onEvent?.('dom0', event);
    },
  });
  const path = save ? ['--source', input] : ['--sink', output];
  const stubdomEnd = qemu === undefined ? path : [...qemu.args, '--fifo-dir', folder];
  let stubdom: AgentProcess;
  try {
    stubdom = startAgent({
      program,
      name: 'stubdom',
      args: ['--disk', device, ...common, ...stubdomEnd, ...options.stubdomArgs],
      stdin: save ? 'inherit' : 'ignore',
      stdout: save ? 'ignore' : 'inherit',
      given: qemu?.given,
      onEvent: (event) => onEvent?.('stubdom', event),
    });
  } catch (error) {
    dom0.end();
    await dom0.outcome;
    throw error;
  }
  return supervise(dom0, stubdom, options.signal);
}

/** Then no guest stands still for it any more, or does since long ago: a warm-up would take longer than it saves. */
function liesInFile(input: string): boolean {
  try {
    return (input === '-' ? fstatSync(0) : statSync(input)).isFile();
  } catch {
    // Why it cannot be read, the agent that reads it says.
    return false;
  }
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
    dom0.end();
    stubdom.end();
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const endTogether = async (one: AgentProcess, other: AgentProcess): Promise<AgentOutcome> => {
    const outcome = await one.outcome;
    if (!outcome.ok && !(one.isReady() && other.isReady())) other.end();
    // It hangs there as well, and may hang so that it cannot notice.
    if (!outcome.ok && outcome.error.code === 'DISK_HUNG') setTimeout(() => other.end(), HUNG_TOGETHER_MS).unref();
    return outcome;
  };
  try {
    return await Promise.all([endTogether(dom0, stubdom), endTogether(stubdom, dom0)]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Of an agent that only heard of the other's trouble, or was ended because of it: it has nothing to add. */
const HEARSAY: readonly ErrorCode[] = ['PEER_ABORTED', 'PEER_DEAD', 'PEER_ABSENT', 'DISK_ABSENT', 'CANCELLED'];

/** Of two errors, the one that is the cause. */
function decisive(receiver: StubferryError, sender: StubferryError): StubferryError {
  const rank = ({ code }: StubferryError): number =>
    code === 'CANCELLED' ? 3 : HEARSAY.includes(code) ? 2 : code === 'DISK_HUNG' ? 0 : 1;
  const [cause, other] = rank(receiver) <= rank(sender) ? [receiver, sender] : [sender, receiver];
  if (cause.code !== 'AGENT_DIED' || other.code === 'CANCELLED') return cause;
  return new StubferryError('AGENT_DIED', `${cause.message}; the other one says: ${other.code}: ${other.message}`, {
    ...cause.details,
    cause: other,
  });
}

/** Removes what a killed agent left at the destination: its temporary, and the very file that it was about to publish. */
async function cleanDestination(
  { output, replace }: PairOptions,
  transfer: string,
  published: FileIdentity | undefined,
): Promise<void> {
  if (output === '-') return;
  await unlink(temporaryPath(output, transfer)).catch(() => undefined);
  if (published === undefined || replace) return;
  const there = await lstat(output).catch(() => undefined);
  if (there?.dev === published.dev && there.ino === published.ino) await unlink(output);
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
