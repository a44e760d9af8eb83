/** The options of the stubferry service, and of the commands that connect to it. */
import { type Command, Option } from 'commander';
import { parseCount, parseDuration } from './parse-values.js';

/** The directory of the service, a tmpfs of its own, for disks, journals and sockets. */
const RUN_DIR = '/run/stubferry';
const CONTROL = `${RUN_DIR}/control.sock`;

/** The directories and sockets of a host. */
export interface HostOptions {
  readonly transferDir: string;
  readonly stateDir: string;
  readonly xenstore?: string;
  readonly control: string;
}

/** The options of `stubferry agent dom0` that apply to the service. */
export interface ServiceCommandOptions extends HostOptions {
  readonly metrics?: string;
  readonly maxTransfers: number;
  /** The time limit of a transfer, in milliseconds. */
  readonly transferTimeout: number;
  /** How long a prepared disk waits for its save, in milliseconds. */
  readonly preparedTimeout: number;
}

/** Adds the options of the service to `command`. */
export function addServiceOptions(command: Command): Command {
  const duration = (flags: string, text: string, ms: number, shown: string): Option =>
    new Option(flags, text).argParser(parseDuration).default(ms, shown);
  return hostOptions(command.optionsGroup('Service (without --disk):'))
    .option('--metrics <socket>', 'unix socket on which to serve Prometheus metrics')
    .addOption(
      new Option('--max-transfers <count>', 'maximum number of transfers at the same time')
        .argParser(parseCount)
        .default(16),
    )
    .addOption(duration('--transfer-timeout <time>', 'time limit of a transfer', 600_000, '10m'))
    .addOption(
      duration(
        '--prepared-timeout <time>',
        'time to wait for the save of a prepared disk; a live migration sends the RAM first',
        3_600_000,
        '60m',
      ),
    );
}

/** Adds the options for the directories and sockets of a host to `command`. */
export function hostOptions(command: Command): Command {
  return command
    .option(
      '--transfer-dir <directory>',
      'directory for transfer disks and journals, used by the service alone',
      RUN_DIR,
    )
    .option(
      '--state-dir <directory>',
      'directory in which the toolstack keeps qemu-save.<domid> and qemu-resume.<domid>',
      '/var/lib/xen',
    )
    .option('--xenstore <path>', 'socket of xenstored or xenbus device (default: the first that exists)')
    .addOption(controlOption());
}

/** The option that names the control socket of the service. */
export function controlOption(): Option {
  return new Option('--control <socket>', 'control socket of the stubferry service').default(CONTROL);
}
