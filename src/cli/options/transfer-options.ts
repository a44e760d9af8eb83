/** The options that commands with a transfer share, and what they become. */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { type Command, Option } from 'commander';
import { DRIVER_NAMES, type DriverName, type Provenance } from '../../agents/index.js';
import { LIMITS } from '../../formats/protocol/limits.js';
import { NIL_UUID } from '../../formats/protocol/uuid.js';
import { DEFAULT_TIMEOUTS, diskSizeFor, type Timeouts } from '../../transfer/ring/index.js';
import { parseDomid, parseDuration, parsePeerTimeout, parseSize, parseUuidOption } from './parse-values.js';

export interface TransferOptions {
  readonly ring: number;
  readonly frame: number;
  readonly maxState: number;
  readonly digest: 'sha256' | 'chain';
  readonly opaque: boolean;
  readonly force: boolean;
  readonly spoolDir: string;
  readonly spoolLimit: number;
  readonly targetUuid: string;
  readonly targetDomid: number;
  readonly qemuVersion: string;
  readonly machine: string;
  readonly attachTimeout: number;
  readonly peerTimeout: number;
  readonly progressTimeout: number;
  readonly commitTimeout: number;
}

/**
 * Adds the options to `command`, in groups; options that are the command's own come first.
 * @param largest what help says of the largest state by default
 */
export function addTransferOptions(command: Command, largest = '64G'): Command {
  const size = (flags: string, text: string, value: number, shown: string): Option =>
    new Option(flags, text).argParser(parseSize).default(value, shown);
  const duration = (flags: string, text: string, value: number): Option =>
    new Option(flags, text).argParser(parseDuration).default(value, `${value / 1000}s`);
  return command
    .option('--force', 'replace a file at the destination', false)
    .option('--opaque', 'move bytes that are no QEMU state', false)
    .addOption(
      new Option(
        '--digest <what>',
        'sha256: SHA-256 and xxh64 of the whole state too; chain: only the chain over all frames, faster',
      )
        .choices(['sha256', 'chain'])
        .default('sha256'),
    )
    .optionsGroup('What is known of the state, for its BEGIN record:')
    .addOption(
      new Option('--target-uuid <uuid>', "the target's UUID").argParser(parseUuidOption).default(NIL_UUID, 'any'),
    )
    .addOption(new Option('--target-domid <domid>', "the target's domid").argParser(parseDomid).default(0, 'unknown'))
    .option('--qemu-version <text>', 'version of QEMU', '')
    .option('--machine <text>', 'machine type', '')
    .optionsGroup('Sizes and places:')
    .addOption(size('--ring <size>', 'ring of the transfer disk', LIMITS.ring.default, '32M'))
    .addOption(size('--frame <size>', 'largest payload of a frame', LIMITS.payload.default, '1M'))
    .addOption(size('--max-state <size>', 'refuse a larger state', LIMITS.state.default, largest))
    .option(
      '--spool-dir <dir>',
      'where a state is kept until it is verified, for a destination that is no file',
      tmpdir(),
    )
    .addOption(size('--spool-limit <size>', 'refuse to spool more', LIMITS.state.default, '64G'))
    .optionsGroup('Deadlines, each for a time in which nothing happens:')
    .addOption(duration('--attach-timeout <time>', 'the disk and the other agent appear', DEFAULT_TIMEOUTS.absentMs))
    .addOption(
      duration(
        '--peer-timeout <time>',
        'a heartbeat of the other agent, at least 1s',
        DEFAULT_TIMEOUTS.deadMs,
      ).argParser(parsePeerTimeout),
    )
    .addOption(duration('--progress-timeout <time>', 'a byte moves', DEFAULT_TIMEOUTS.progressMs))
    .addOption(duration('--commit-timeout <time>', 'a verified state becomes durable', DEFAULT_TIMEOUTS.commitMs));
}

export type AttachOption = DriverName;

/** How the transfer disk comes to a stubdom's agent that is a process of this machine. */
export function localAttachOption(): Option {
  return new Option(
    '--attach <how>',
    'file: both agents open the file; loop: the stubdom gets a loop device over it (root)',
  )
    .choices(['file', 'loop'])
    .default('file');
}

/** How it comes to any stubdom. */
export function attachOption(): Option {
  return new Option(
    '--attach <how>',
    'xen: a vbd, written into xenstore (default of the service); xl: by xl block-attach; loop, file: for a process of this machine',
  ).choices(DRIVER_NAMES);
}

export function timeoutsFrom(options: TransferOptions): Timeouts {
  return {
    ...DEFAULT_TIMEOUTS,
    absentMs: options.attachTimeout,
    deadMs: options.peerTimeout,
    progressMs: options.progressTimeout,
    commitMs: options.commitTimeout,
  };
}

export function provenanceFrom(options: TransferOptions): Provenance {
  return {
    targetUuid: options.targetUuid,
    targetDomid: options.targetDomid,
    qemuVersion: options.qemuVersion,
    machineType: options.machine,
  };
}

/** The options again, for the command line of an agent that this process starts. */
export function agentArgs(options: TransferOptions, logLevel: string): { dom0: string[]; stubdom: string[] } {
  const both = [
    ...['--digest', options.digest, '--log-level', logLevel],
    ...['--target-uuid', options.targetUuid, '--target-domid', `${options.targetDomid}`],
    ...['--qemu-version', options.qemuVersion, '--machine', options.machine],
    ...['--spool-dir', options.spoolDir, '--spool-limit', `${options.spoolLimit}`],
    ...['--attach-timeout', `${options.attachTimeout}ms`, '--peer-timeout', `${options.peerTimeout}ms`],
    ...['--progress-timeout', `${options.progressTimeout}ms`, '--commit-timeout', `${options.commitTimeout}ms`],
    ...(options.opaque ? ['--opaque'] : []),
  ];
  const disk = ['--ring', `${options.ring}`, '--frame', `${options.frame}`, '--max-state', `${options.maxState}`];
  return { dom0: [...both, ...disk], stubdom: both };
}

const MEMORY = '/dev/shm';

/** Where the transfer disk goes when nobody says: into memory when it fits there, else to the temporary folder. */
export async function defaultTransferDir(ring: number): Promise<string> {
  const memory = await statfs(MEMORY).catch(() => undefined);
  return memory !== undefined && memory.bavail * memory.bsize >= diskSizeFor(ring) ? MEMORY : tmpdir();
}
