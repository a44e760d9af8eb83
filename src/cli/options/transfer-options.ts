/** The options that the commands with a transfer share, and the settings that are made from them. */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { type Command, Option } from 'commander';
import { DRIVER_NAMES, type DriverName, driverHelp, LOCAL_DRIVER_NAMES, type Provenance } from '../../agents/index.js';
import { LIMITS } from '../../formats/protocol/limits.js';
import { NIL_UUID } from '../../formats/protocol/uuid.js';
import { DEFAULT_TIMEOUTS, diskSizeFor, type Timeouts } from '../../transfer/ring/index.js';
import { parseDomid, parseDuration, parsePeerTimeout, parseSize, parseUuidOption } from './parse-values.js';

/** Sizes are in bytes, timeouts in milliseconds. */
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
 * Adds the options to `command`, in groups. The command adds its own options first.
 *
 * @param largest the default of `--max-state` as the help shows it
 */
export function addTransferOptions(command: Command, largest = '64G'): Command {
  const size = (flags: string, text: string, value: number, shown: string): Option =>
    new Option(flags, text).argParser(parseSize).default(value, shown);
  const duration = (flags: string, text: string, value: number): Option =>
    new Option(flags, text).argParser(parseDuration).default(value, `${value / 1000}s`);
  return command
    .option('--force', 'replace an existing output file', false)
    .option('--opaque', 'transfer bytes that are not a QEMU state', false)
    .addOption(
      new Option(
        '--digest <what>',
        'sha256: the frame chain, and SHA-256 and xxh64 of the state; chain: only the frame chain, faster',
      )
        .choices(['sha256', 'chain'])
        .default('sha256'),
    )
    .optionsGroup('Metadata for the BEGIN record:')
    .addOption(
      new Option('--target-uuid <uuid>', 'UUID of the target').argParser(parseUuidOption).default(NIL_UUID, 'any'),
    )
    .addOption(
      new Option('--target-domid <domid>', 'domain id of the target').argParser(parseDomid).default(0, 'unknown'),
    )
    .option('--qemu-version <text>', 'QEMU version', '')
    .option('--machine <text>', 'machine type', '')
    .optionsGroup('Sizes and directories:')
    .addOption(size('--ring <size>', 'size of the ring on the transfer disk', LIMITS.ring.default, '32M'))
    .addOption(size('--frame <size>', 'maximum payload of a frame', LIMITS.payload.default, '1M'))
    .addOption(size('--max-state <size>', 'maximum size of a state', LIMITS.state.default, largest))
    .option(
      '--spool-dir <directory>',
      'directory for a state until it is verified, when the output is not a file',
      tmpdir(),
    )
    .addOption(size('--spool-limit <size>', 'maximum size of that state', LIMITS.state.default, '64G'))
    .optionsGroup('Timeouts (each limits a time without progress):')
    .addOption(duration('--attach-timeout <time>', 'time to wait for the disk and the peer', DEFAULT_TIMEOUTS.absentMs))
    .addOption(
      duration(
        '--peer-timeout <time>',
        'time to wait for a heartbeat of the peer, at least 1s',
        DEFAULT_TIMEOUTS.deadMs,
      ).argParser(parsePeerTimeout),
    )
    .addOption(duration('--progress-timeout <time>', 'time to wait for the next byte', DEFAULT_TIMEOUTS.progressMs))
    .addOption(
      duration('--commit-timeout <time>', 'time to wait until a verified state is durable', DEFAULT_TIMEOUTS.commitMs),
    );
}

/** The value of `--attach`. */
export type AttachOption = DriverName;

/** The option that selects how the transfer disk is attached for a stubdom agent that is a process of this machine. */
export function localAttachOption(): Option {
  return new Option('--attach <how>', driverHelp(LOCAL_DRIVER_NAMES)).choices(LOCAL_DRIVER_NAMES).default('file');
}

/** The option that selects how the transfer disk is attached, for any stubdom. */
export function attachOption(): Option {
  return new Option('--attach <how>', driverHelp(DRIVER_NAMES)).choices(DRIVER_NAMES);
}

/** The timeouts of a transfer; those without an option keep their defaults. */
export function timeoutsFrom(options: TransferOptions): Timeouts {
  return {
    ...DEFAULT_TIMEOUTS,
    absentMs: options.attachTimeout,
    deadMs: options.peerTimeout,
    progressMs: options.progressTimeout,
    commitMs: options.commitTimeout,
  };
}

/** The metadata for the BEGIN record. */
export function provenanceFrom(options: TransferOptions): Provenance {
  return {
    targetUuid: options.targetUuid,
    targetDomid: options.targetDomid,
    qemuVersion: options.qemuVersion,
    machineType: options.machine,
  };
}

/** The same options as arguments for the agents that this process starts. */
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

/** The default directory for the transfer disk: /dev/shm when the disk fits there, else the temporary directory. */
export async function defaultTransferDir(ring: number): Promise<string> {
  const memory = await statfs(MEMORY).catch(() => undefined);
  return memory !== undefined && memory.bavail * memory.bsize >= diskSizeFor(ring) ? MEMORY : tmpdir();
}
