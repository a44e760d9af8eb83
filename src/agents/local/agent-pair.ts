/**
 * Runs both agents on this machine, with a transfer disk in a temporary directory. `save`, `restore` and `replay` do so
 * without Xen.
 *
 *     this process --starts--> dom0 agent    --.
 *                  --starts--> stubdom agent --+-- transfer disk (a sparse file)
 *
 * The result of the receiver decides, because the receiver has checked the state and made it durable. This process
 * cleans up what a killed agent has left behind.
 */

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fstatSync, statSync, symlinkSync } from 'node:fs';
import { lstat, mkdtemp, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, errnoOf, StubferryError } from '../../base/errors/index.js';
import type { Log } from '../../base/log.js';
import { atMost, systemClock } from '../../base/time/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
import type { Direction } from '../../formats/protocol/superblock.js';
import { type FileIdentity, temporaryPath } from '../../io/index.js';
import { resumeGuest } from '../../qemu/index.js';
import { type DriverName, driverFor } from '../../xen/hotplug/index.js';
import type { AgentEvent } from '../agent-events.js';
import type { TransferReport } from '../transfer-report.js';
import { type AgentOutcome, type AgentProcess, startAgent } from './agent-process.js';

/** Options of {@link runPair}. */
export interface PairOptions {
  /** See {@link StartOptions.program}. */
  readonly program: readonly string[];
  readonly direction: Direction;
  /**
   * A file, a FIFO, or `-`: the source of the stubdom agent in a save, or the state in dom0 in a restore. When a save
   * uses `qemu`, it only appears in messages.
   */
  readonly input: string;
  /** A file, a FIFO, or `-`: the destination in dom0 in a save, or in the stubdom in a restore. */
  readonly output: string;
  /** The QEMU at the side of the stubdom. Undefined when that side uses a path. */
  readonly qemu: QemuEndpoint | undefined;
  /** Whether a file at the destination may be replaced. */
  readonly replace: boolean;
  /** The parent directory of the temporary directory for the transfer disk. */
  readonly transferDir: string;
  /** The driver that attaches the disk to the stubdom agent. */
  readonly attach: DriverName;
  /** Further command-line arguments for the dom0 agent. */
  readonly dom0Args: readonly string[];
  /** Further command-line arguments for the stubdom agent. */
  readonly stubdomArgs: readonly string[];
  /** Stops both agents. The reason of the signal becomes the error. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly onEvent?: (agent: 'dom0' | 'stubdom', event: AgentEvent) => void;
}

/** A QEMU as the source or target of the stubdom agent. */
export interface QemuEndpoint {
  /** The socket of its monitor. */
  readonly qmp: string;
  /** The options of the stubdom agent that name this QEMU. */
  readonly args: readonly string[];
  /** A descriptor that the stubdom agent inherits as {@link GIVEN_FD}. */
  readonly given: number | undefined;
  /** Whether the guest resumes after a successful save. It always resumes after a failed save. */
  readonly resumesAfterSave: boolean;
}

/** The report of a successful transfer. */
export interface PairReport {
  /** The UUID of the transfer. */
  readonly transfer: string;
  readonly state: TransferReport;
  /** Whether the sender has read the acknowledgement before it ended. */
  readonly senderNotified: boolean;
}

/**
 * Runs one transfer between two agents on this machine.
 * @throws StubferryError: the reason for which the transfer failed; the destination is then unchanged
 */
export async function runPair(options: PairOptions): Promise<PairReport> {
  const transfer = randomUUID();
  const directory = await makeDirectory(options.transferDir);
  let published: FileIdentity | undefined;
  let guestStopped = false;
  const onEvent: PairOptions['onEvent'] = (agent, event) => {
    if (event.event === 'publishing') published = event.file;
    if (event.event === 'guest') guestStopped = event.status === 'stopped';
    options.onEvent?.(agent, event);
  };
  try {
    const [dom0, stubdom] = await startBoth({ ...options, onEvent }, transfer, directory);
    const [sender, receiver] = options.direction === 'save' ? [stubdom, dom0] : [dom0, stubdom];
    const isAcknowledged = receiver.ok || sender.ok;
    const leftGuestStopped = !stubdom.ok && stubdom.error.code === 'AGENT_DIED' && guestStopped;
    const mustResume = options.qemu !== undefined && (!isAcknowledged || options.qemu.resumesAfterSave);
    const resumeFailure = leftGuestStopped && mustResume ? await resumeGuest(options.qemu.qmp, directory) : undefined;
    // A successful sender has read the acknowledgement on the disk. It is valid even if the receiver failed afterwards.
    if (isAcknowledged && resumeFailure !== undefined) throw resumeFailure;
    if (receiver.ok) return { transfer, state: receiver.report, senderNotified: sender.ok };
    if (sender.ok) return { transfer, state: sender.report, senderNotified: true };
    await cleanDestination(options, transfer, published).catch(() => undefined);
    const cause = options.signal.aborted
      ? StubferryError.from(options.signal.reason)
      : decisive(receiver.error, sender.error);
    throw resumeFailure === undefined ? cause : withGuestStopped(cause, resumeFailure);
  } finally {
    await detachOrphans(options.attach, join(directory, DISK));
    await removeDirectory(directory, options.log);
  }
}

/**
 * Removes the directory with a separate process. This process could not exit while one of its I/O threads is blocked
 * in a file system that does not respond.
 */
async function removeDirectory(directory: string, log: Log): Promise<void> {
  const remover = spawn('rm', ['-rf', '--', directory], { stdio: 'ignore', detached: true });
  const status = new Promise<number | null>((resolve) => {
    remover.once('error', () => resolve(null));
    remover.once('exit', resolve);
  });
  if ((await atMost(systemClock, TIMEOUTS.directoryRemoval, status)) && (await status) === 0) return;
  remover.unref();
  log.warn({ directory }, 'the directory of the transfer disk could not be removed');
}

/** Returns the error of the save with the hint how to resume the guest. */
function withGuestStopped(cause: StubferryError, resumeFailure: StubferryError): StubferryError {
  const { code, message, details } = cause;
  return new StubferryError(code, `${message}; ${resumeFailure.message}`, {
    ...details,
    hint: resumeFailure.details.hint,
  });
}

/** The name of the disk in the directory, as the dom0 agent opens it. */
const DISK = 'transfer.img';

/** The name of a link to the attached device, as the stubdom agent opens it. */
const DEVICE = 'device';

/** Detaches the disk that a killed dom0 agent has left attached. */
async function detachOrphans(attach: DriverName, disk: string): Promise<void> {
  const driver = driverFor(attach);
  for (const orphan of await driver.orphans()) {
    if (orphan.backing === disk) await driver.detach(orphan);
  }
}

async function startBoth(
  options: PairOptions,
  transfer: string,
  directory: string,
): Promise<[AgentOutcome, AgentOutcome]> {
  const { program, direction, input, output, qemu, onEvent } = options;
  const disk = join(directory, DISK);
  const device = options.attach === 'file' ? disk : join(directory, DEVICE);
  const common = ['--transfer', transfer, ...(options.replace ? ['--force'] : [])];
  if (isInFile(input)) common.push('--no-warm-up');
  const save = direction === 'save';
  const dom0Work = save ? ['--save', output] : ['--restore', input];
  const dom0 = startAgent({
    program,
    name: 'dom0',
    args: ['--disk', disk, '--attach', options.attach, ...common, ...dom0Work, ...options.dom0Args],
    stdin: save ? 'ignore' : 'inherit',
    stdout: save ? 'inherit' : 'ignore',
    onEvent: (event) => {
      if (event.event === 'attached' && device !== disk) symlinkSync(event.device, device);
      onEvent?.('dom0', event);
    },
  });
  const path = save ? ['--source', input] : ['--sink', output];
  const stubdomWork = qemu === undefined ? path : [...qemu.args, '--fifo-dir', directory];
  let stubdom: AgentProcess;
  try {
    stubdom = startAgent({
      program,
      name: 'stubdom',
      args: ['--disk', device, ...common, ...stubdomWork, ...options.stubdomArgs],
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

/**
 * Whether the state is already in a file. Then no guest waits for the transfer, and a warm-up would take longer than
 * the time that it saves.
 */
function isInFile(input: string): boolean {
  try {
    return (input === '-' ? fstatSync(0) : statSync(input)).isFile();
  } catch {
    // The agent that reads the input reports why it cannot be read.
    return false;
  }
}

/**
 * Waits for both agents. Two agents that have opened the disk detect each other's failure there. When one agent fails
 * before that, the other one would wait for its timeout, so this function stops it.
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
  const stopOtherOnFailure = async (one: AgentProcess, other: AgentProcess): Promise<AgentOutcome> => {
    const outcome = await one.outcome;
    if (!outcome.ok && !(one.isReady() && other.isReady())) other.end();
    // The disk hangs for the other agent as well, possibly in a way that this agent cannot detect.
    if (!outcome.ok && outcome.error.code === 'DISK_HUNG') setTimeout(() => other.end(), TIMEOUTS.bothHung).unref();
    return outcome;
  };
  try {
    return await Promise.all([stopOtherOnFailure(dom0, stubdom), stopOtherOnFailure(stubdom, dom0)]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The errors of an agent that failed only because the other agent failed, or because it was stopped. */
const CONSEQUENCES: readonly ErrorCode[] = ['PEER_ABORTED', 'PEER_DEAD', 'PEER_ABSENT', 'DISK_ABSENT', 'CANCELLED'];

/** Returns the error that caused the other one. */
function decisive(receiver: StubferryError, sender: StubferryError): StubferryError {
  const rank = ({ code }: StubferryError): number =>
    code === 'CANCELLED' ? 3 : CONSEQUENCES.includes(code) ? 2 : code === 'DISK_HUNG' ? 0 : 1;
  const [cause, other] = rank(receiver) <= rank(sender) ? [receiver, sender] : [sender, receiver];
  if (cause.code !== 'AGENT_DIED' || other.code === 'CANCELLED') return cause;
  return new StubferryError('AGENT_DIED', `${cause.message}; the other agent reports ${other.code}: ${other.message}`, {
    ...cause.details,
    cause: other,
  });
}

/**
 * Removes what a killed agent has left at the destination: its temporary file, and the file that it was about to
 * rename, which is recognised by its identity.
 */
async function cleanDestination(
  { output, replace }: PairOptions,
  transfer: string,
  published: FileIdentity | undefined,
): Promise<void> {
  if (output === '-') return;
  await unlink(temporaryPath(output, transfer)).catch(() => undefined);
  if (published === undefined || replace) return;
  const stats = await lstat(output).catch(() => undefined);
  if (stats?.dev === published.dev && stats.ino === published.ino) await unlink(output);
}

async function makeDirectory(parent: string): Promise<string> {
  try {
    return await mkdtemp(join(parent, 'stubferry-'));
  } catch (cause) {
    throw new StubferryError('DISK_NO_SPACE', 'cannot create the directory of the transfer disk', {
      where: parent,
      found: errnoOf(cause),
      hint: 'choose another directory with --transfer-dir',
      cause,
    });
  }
}
