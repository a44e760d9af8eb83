/** The command `stubferry agent dom0`: one transfer with --disk, the stubferry service without. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { type Dom0Job, driverFor, runDom0Agent } from '../../agents/index.js';
import { StubferryError } from '../../base/errors/index.js';
import { type CommandContext, runCommand } from '../command-context.js';
import { addServiceOptions, type ServiceCommandOptions } from '../options/service-options.js';
import { type AttachOption, attachOption, provenanceFrom } from '../options/transfer-options.js';
import { runDom0Service } from './dom0-service-run.js';
import { type AgentOptions, addAgentOptions, runAgent } from './run-agent.js';

interface Dom0Options extends AgentOptions, ServiceCommandOptions {
  readonly disk?: string;
  readonly attach?: AttachOption;
  readonly save?: string;
  readonly restore?: string;
  readonly raw: boolean;
  readonly keepDisk: boolean;
}

/** Options that do not apply to the service, which serves all targets. */
const OF_ONE_TRANSFER = [
  'save',
  'restore',
  'raw',
  'keepDisk',
  'force',
  'opaque',
  'transfer',
  'targetUuid',
  'targetDomid',
  'qemuVersion',
  'machine',
  'spoolDir',
  'spoolLimit',
  'digest',
];
/** Options that do not apply to a single transfer. */
const OF_SERVICE = [
  'transferDir',
  'stateDir',
  'xenstore',
  'control',
  'metrics',
  'maxTransfers',
  'transferTimeout',
  'preparedTimeout',
];

/** Adds the command. */
export function dom0AgentCommand(agent: Command): void {
  const command = agent
    .command('dom0')
    .summary('run the stubferry service, or a single transfer')
    .description(
      'Runs the dom0 side. Without --disk this is the stubferry service of the host: it watches xenstore and ' +
        'attaches a transfer disk to each stubdom that requests one. With --disk it creates that transfer disk, runs ' +
        "one transfer over it and removes it. 'stubferry exit-codes' lists the exit status.",
    )
    .addOption(attachOption())
    .optionsGroup('Single transfer:')
    .option('--disk <path>', 'file to create as the transfer disk, or block device to use')
    .option('--save <path>', 'receive a state into this file or FIFO, or - for standard output')
    .option('--restore <path>', 'send the state from this file or FIFO, or - for standard input')
    .option('--raw', 'with --save: write the bare QEMU state instead of a statefile', false)
    .option('--keep-disk', "keep the transfer disk, for 'stubferry inspect'", false);
  addServiceOptions(command).optionsGroup('Options:');
  addAgentOptions(command, '64G, for the service 256M').action((options: Dom0Options) => {
    return runCommand(
      command,
      (context) => {
        const { disk } = options;
        refuse(
          command,
          disk === undefined ? OF_ONE_TRANSFER : OF_SERVICE,
          disk === undefined ? 'applies only to a single transfer (--disk)' : 'applies only to the service (no --disk)',
        );
        return disk === undefined ? runDom0Service(context, options, command) : runOne(context, options, disk);
      },
      { stdoutIsState: options.save === '-' },
    );
  });
}

/** @throws StubferryError USAGE: an option was given that does not apply */
function refuse(command: Command, names: readonly string[], why: string): void {
  for (const name of names) {
    const source = command.getOptionValueSource(name);
    if (source === undefined || source === 'default') continue;
    const flags = command.options.find((option) => option.attributeName() === name)?.long ?? name;
    throw new StubferryError('USAGE', `${flags} ${why}`);
  }
}

function runOne(context: CommandContext, options: Dom0Options, disk: string): Promise<number> {
  return runAgent(context, options, (life) => runDom0Agent(dom0Job(options, disk), life));
}

function dom0Job(options: Dom0Options, disk: string): Dom0Job {
  const { attach = 'file', ring, frame, maxState, keepDisk, save, restore, opaque, spoolDir, spoolLimit } = options;
  if ((save === undefined) === (restore === undefined))
    throw new StubferryError('USAGE', 'give either --save or --restore');
  if (attach === 'xen' || attach === 'xl')
    throw new StubferryError(
      'USAGE',
      `--attach ${attach} applies only to the service: with --disk, the stubdom agent is a process of this machine`,
    );
  const sha256 = options.digest === 'sha256';
  return {
    disk,
    driver: driverFor(attach),
    transferUuid: options.transfer ?? randomUUID(),
    ringLength: ring,
    maxPayload: frame,
    maxState,
    provenance: provenanceFrom(options),
    keepDisk,
    work:
      restore === undefined
        ? {
            direction: 'save',
            output: save ?? '-',
            raw: options.raw,
            replace: options.force,
            spoolDirectory: spoolDir,
            spoolLimit,
          }
        : { direction: 'restore', input: restore, opaque, sha256 },
  };
}
