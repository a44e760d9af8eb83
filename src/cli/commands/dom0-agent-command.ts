/** `stubferry agent dom0`: with --disk for one transfer, without as the service of this host */
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

/** Options that mean nothing to a service: it serves all targets. */
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
/** Options that mean nothing to one transfer by hand. */
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

export function dom0AgentCommand(agent: Command): void {
  const command = agent
    .command('dom0')
    .summary("serve this host's stubdoms, or run one transfer by hand")
    .description(
      'The dom0 side. Without --disk it is the service of this host: it watches xenstore, and gives a disk to each stubdom that ' +
        'asks for one. With --disk it makes that transfer disk, runs one transfer over it, and removes it. ' +
        "Exit status: 'stubferry exit-codes'.",
    )
    .addOption(attachOption())
    .optionsGroup('One transfer by hand:')
    .option('--disk <path>', 'file to create as the transfer disk, or a block device to use')
    .option('--save <path>', 'receive a state, and commit it there: a file, a FIFO or -')
    .option('--restore <path>', 'send the state in this file, FIFO or -')
    .option('--raw', 'with --save: the bare QEMU state instead of a statefile', false)
    .option('--keep-disk', "leave the transfer disk, for 'stubferry inspect'", false);
  addServiceOptions(command).optionsGroup('Options:');
  addAgentOptions(command, '64G; of the service 256M').action((options: Dom0Options) => {
    return runCommand(
      command,
      (context) => {
        const { disk } = options;
        refuse(
          command,
          disk === undefined ? OF_ONE_TRANSFER : OF_SERVICE,
          disk === undefined ? 'is for one transfer by hand, with --disk' : 'is for the service, without --disk',
        );
        return disk === undefined ? runDom0Service(context, options, command) : runOne(context, options, disk);
      },
      { stdoutIsState: options.save === '-' },
    );
  });
}

/** @throws StubferryError USAGE for an option that was given and has no effect */
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
      `--attach ${attach} is for the service: a disk by hand is for a process of this machine`,
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
            spoolFolder: spoolDir,
            spoolLimit,
          }
        : { direction: 'restore', input: restore, opaque, sha256 },
  };
}
