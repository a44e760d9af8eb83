/** The options of dom0's agent as a service, and of the commands that talk to it. */
import { type Command, Option } from 'commander';
import { parseCount, parseDuration } from './parse-values.js';

/** A folder on tmpfs of its own: disks, journals and sockets. */
const RUN_DIR = '/run/stubferry';
const CONTROL = `${RUN_DIR}/control.sock`;

/** Where things are on a host. */
export interface HostOptions {
  readonly transferDir: string;
  readonly stateDir: string;
  readonly xenstore?: string;
  readonly control: string;
}

export interface ServiceCommandOptions extends HostOptions {
  readonly metrics?: string;
  readonly maxTransfers: number;
  readonly transferTimeout: number;
  readonly preparedTimeout: number;
}

export function addServiceOptions(command: Command): Command {
  const duration = (flags: string, text: string, ms: number, shown: string): Option =>
    new Option(flags, text).argParser(parseDuration).default(ms, shown);
  return hostOptions(command.optionsGroup('The service, without --disk:'))
    .option('--metrics <socket>', 'serve metrics for Prometheus on this unix socket')
    .addOption(
      new Option('--max-transfers <count>', 'transfers at a time, of all targets').argParser(parseCount).default(16),
    )
    .addOption(duration('--transfer-timeout <time>', 'a transfer as a whole', 600_000, '10m'))
    .addOption(
      duration(
        '--prepared-timeout <time>',
        'a prepared disk is asked for: a live migration sends the RAM first',
        3_600_000,
        '60m',
      ),
    );
}

/** Where things are on a host, for all that work on them. */
export function hostOptions(command: Command): Command {
  return command
    .option('--transfer-dir <dir>', 'folder of the transfer disks and journals, for the agent alone', RUN_DIR)
    .option(
      '--state-dir <dir>',
      'where the toolstack has its qemu-save.<domid> and qemu-resume.<domid>',
      '/var/lib/xen',
    )
    .option('--xenstore <path>', 'socket of xenstored, or the xenbus device (default: the usual one)')
    .addOption(controlOption());
}

export function controlOption(): Option {
  return new Option('--control <socket>', "control socket of dom0's agent").default(CONTROL);
}
