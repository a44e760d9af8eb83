/** `stubferry agent dom0` and `stubferry agent stubdom` */
import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import {
  type AgentContext,
  type Dom0Job,
  type DriverName,
  eventWriter,
  type GateJob,
  runDom0Agent,
  runGateAgent,
  runStubdomAgent,
  type StubdomJob,
  type TransferReport,
  transferReport,
} from '../agents/index.js';
import { StubferryError } from '../errors/index.js';
import type { TransferSummary } from '../transfer/index.js';
import { type CommandContext, runCommand } from './command-context.js';
import { parseDescriptor, parseUuidOption } from './parse-values.js';
import { printJson } from './print.js';
import { addQemuOptions, type QemuOptions, restoreToQemu, saveFromQemu } from './qemu-options.js';
import {
  addTransferOptions,
  attachOption,
  provenanceFrom,
  type TransferOptions,
  timeoutsFrom,
} from './transfer-options.js';

interface AgentOptions extends TransferOptions {
  readonly disk: string;
  readonly transfer?: string;
  readonly eventsFd?: number;
}

interface Dom0Options extends AgentOptions {
  readonly save?: string;
  readonly restore?: string;
  readonly raw: boolean;
  readonly attach: DriverName;
  readonly keepDisk: boolean;
}

interface StubdomOptions extends AgentOptions, QemuOptions {
  readonly source?: string;
  readonly sink?: string;
  readonly gate?: string;
}

export function agentCommand(program: Command): void {
  const agent = program
    .command('agent')
    .summary('run one side of a transfer')
    .description('Runs one side of a transfer.');
  dom0Command(agent);
  stubdomCommand(agent);
}

function agentOptions(command: Command): Command {
  command
    .option('--transfer <uuid>', "the transfer's UUID", parseUuidOption)
    .option('--events-fd <fd>', 'write events, one JSON document on a line, to this descriptor', parseDescriptor);
  return addTransferOptions(command);
}

function dom0Command(agent: Command): void {
  const command = agent
    .command('dom0')
    .summary('make the transfer disk, and save from it or restore to it')
    .description(
      "The dom0 side: makes the transfer disk, runs one transfer over it, removes it. Exit status: 'stubferry exit-codes'.",
    )
    .requiredOption('--disk <path>', 'file to create as the transfer disk')
    .addOption(attachOption())
    .option('--save <path>', 'receive a state, and commit it there: a file, a FIFO or -')
    .option('--restore <path>', 'send the state in this file, FIFO or -')
    .option('--raw', 'with --save: the bare QEMU state instead of a statefile', false)
    .option('--keep-disk', "leave the transfer disk, for 'stubferry inspect'", false);
  agentOptions(command).action((options: Dom0Options) => {
    return runCommand(
      command,
      (context) => {
        return runAgent(context, options, (agentContext) => runDom0Agent(dom0Job(options), agentContext));
      },
      { stdoutIsState: options.save === '-' },
    );
  });
}

function dom0Job(options: Dom0Options): Dom0Job {
  const { disk, attach, ring, frame, maxState, keepDisk, save, restore, opaque, spoolDir, spoolLimit } = options;
  if ((save === undefined) === (restore === undefined))
    throw new StubferryError('USAGE', 'give either --save or --restore');
  const sha256 = options.digest === 'sha256';
  return {
    disk,
    attach,
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

function stubdomCommand(agent: Command): void {
  const command = agent
    .command('stubdom')
    .summary('find the transfer disk, and send or receive as it says')
    .description(
      'The stubdom side: waits for the transfer disk, runs one transfer over it. With --gate it stands between the ' +
        "toolstack and QEMU and runs a transfer for each save, until it is stopped. Exit status: 'stubferry exit-codes'.",
    )
    .requiredOption('--disk <path>', 'device node or file of the transfer disk; it may come later')
    .option('--source <path>', 'what to send when the disk is for a save: a file, a FIFO or -')
    .option('--sink <path>', 'where the bare state goes when it is for a restore: a file, a FIFO or -')
    .addOption(
      new Option(
        '--gate <socket>',
        'listen here for the toolstack, and pass on to QEMU (--qmp) all but its saves',
      ).conflicts(['source', 'sink', 'transfer', 'migrate', 'checkpoint', 'opaque']),
    );
  agentOptions(addQemuOptions(command)).action((options: StubdomOptions) => {
    return runCommand(
      command,
      (context) => {
        const { gate, qmp } = options;
        if (gate !== undefined && qmp === undefined)
          throw new StubferryError('USAGE', '--gate needs --qmp, the monitor of QEMU');
        if (gate !== undefined && qmp !== undefined)
          return runAgent(context, options, (agentContext) => runGateAgent(gateJob(options, gate, qmp), agentContext));
        return runAgent(context, options, (agentContext) => runStubdomAgent(stubdomJob(options), agentContext));
      },
      { stdoutIsState: options.sink === '-' },
    );
  });
}

function stubdomJob(options: StubdomOptions): StubdomJob {
  const { source, sink, opaque, force: replace, digest, disk, transfer, spoolDir, spoolLimit } = options;
  const [saveQemu, restoreQemu] = [saveFromQemu(options), restoreToQemu(options)];
  if (source !== undefined && saveQemu !== undefined)
    throw new StubferryError('USAGE', 'give either --source or --qmp: a state comes from one place');
  if (sink !== undefined && restoreQemu !== undefined)
    throw new StubferryError('USAGE', 'give either --sink or --incoming: a state goes to one place');
  const save = source === undefined ? saveQemu : { path: source };
  const restore = sink === undefined ? restoreQemu : { path: sink, replace };
  if (save === undefined && restore === undefined)
    throw new StubferryError('USAGE', 'give --source or --qmp, --sink or --incoming');
  return {
    ...{ disk, transferUuid: transfer, provenance: provenanceFrom(options), save, restore, opaque },
    ...{ sha256: digest === 'sha256', spoolFolder: spoolDir, spoolLimit },
  };
}

function gateJob(options: StubdomOptions, listen: string, qmp: string): GateJob {
  const restore = restoreToQemu(options);
  const job: Omit<GateJob, 'restore'> = {
    ...{ listen, qmp, disk: options.disk, provenance: provenanceFrom(options) },
    ...{ sha256: options.digest === 'sha256', fifoDir: options.fifoDir },
  };
  if (restore === undefined) return { ...job, restore };
  return { ...job, restore: stubdomJob(options) };
}

/** Runs one side, and tells the outcome to whoever listens: a starter by event, a person by text. */
async function runAgent(
  context: CommandContext,
  options: AgentOptions,
  work: (context: AgentContext) => Promise<TransferSummary>,
): Promise<number> {
  const { log, signal, json } = context;
  const { eventsFd } = options;
  const started = eventsFd !== undefined;
  const onEvent = started ? eventWriter(eventsFd) : () => undefined;
  try {
    const report: TransferReport = transferReport(
      await work({ timeouts: timeoutsFrom(options), signal, onEvent, log }),
    );
    onEvent({ event: 'done', report });
    if (json && !context.stdoutIsState) await printJson({ transfer: report });
    return 0;
  } catch (cause) {
    const error = StubferryError.from(cause);
    onEvent({ event: 'failed', error: error.report() });
    // The starter prints it, in its own words; twice on one terminal would be once too often.
    if (started) return error.status;
    throw error;
  }
}
