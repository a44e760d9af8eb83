/** `stubferry agent stubdom` */
import { type Command, Option } from 'commander';
import {
  type AgentLife,
  type DiskPlace,
  type ProxyJob,
  runProxyAgent,
  runStubdomAgent,
  type StubdomJob,
} from '../../agents/index.js';
import { StubferryError } from '../../base/errors/index.js';
import { xenFrontends } from '../../blockdev-utils/index.js';
import type { TransferSummary } from '../../transfer/index.js';
import { XenstoreClient } from '../../xen/xenstore/index.js';
import { type CommandContext, runCommand } from '../command-context.js';
import { addQemuOptions, type QemuOptions, restoreToQemu, saveFromQemu } from '../options/qemu-options.js';
import { provenanceFrom } from '../options/transfer-options.js';
import { type AgentOptions, addAgentOptions, runAgent } from './run-agent.js';

interface StubdomOptions extends AgentOptions, QemuOptions {
  readonly disk?: string;
  /** A path, or true for the usual ones. */
  readonly xenstore?: string | true;
  readonly source?: string;
  readonly sink?: string;
  readonly qmpProxy?: string;
  /** Another name of it. */
  readonly gate?: string;
}

/** A proxy serves every save of its QEMU, whatever transfer that belongs to. */
const NOT_WITH_PROXY = ['source', 'sink', 'transfer', 'migrate', 'checkpoint', 'opaque'];

export function stubdomAgentCommand(agent: Command): void {
  const command = agent
    .command('stubdom')
    .summary('find the transfer disk, and send or receive as it says')
    .description(
      'The stubdom side: waits for the transfer disk, runs one transfer over it. With --qmp-proxy it stands between the ' +
        "toolstack and QEMU and runs a transfer for each save, until it is stopped. Exit status: 'stubferry exit-codes'.",
    )
    .option('--disk <path>', 'device node or file of the transfer disk; it may come later')
    .addOption(
      new Option(
        '--xenstore [path]',
        "ask dom0's agent for the disk, through this domain's xenstore folder (default: the usual socket or device)",
      ).conflicts(['disk', 'transfer']),
    )
    .option('--source <path>', 'what to send when the disk is for a save: a file, a FIFO or -')
    .option('--sink <path>', 'where the bare state goes when it is for a restore: a file, a FIFO or -')
    .addOption(
      new Option(
        '--qmp-proxy <socket>',
        'listen here for the toolstack, and pass on to QEMU (--qmp) all but its saves',
      ).conflicts(['gate', ...NOT_WITH_PROXY]),
    )
    .addOption(new Option('--gate <socket>', 'another name of --qmp-proxy').conflicts(NOT_WITH_PROXY));
  addAgentOptions(addQemuOptions(command)).action((options: StubdomOptions) => {
    const run = (context: CommandContext): Promise<number> => runStubdom(context, options);
    return runCommand(command, run, { stdoutIsState: options.sink === '-' });
  });
}

async function runStubdom(context: CommandContext, options: StubdomOptions): Promise<number> {
  const { qmpProxy: proxy = options.gate, qmp } = options;
  if (proxy !== undefined && qmp === undefined)
    throw new StubferryError('USAGE', '--qmp-proxy needs --qmp, the monitor of QEMU');
  const work = (disk: DiskPlace, life: AgentLife): Promise<TransferSummary> => {
    if (proxy !== undefined && qmp !== undefined) return runProxyAgent(proxyJob(options, disk, proxy, qmp), life);
    return runStubdomAgent(stubdomJob(options, disk), life);
  };
  if (options.disk !== undefined) {
    const { disk } = options;
    return runAgent(context, options, (life) => work(disk, life));
  }
  if (options.xenstore === undefined) throw new StubferryError('USAGE', 'give either --disk or --xenstore');
  const path = options.xenstore === true ? undefined : options.xenstore;
  return runAgent(context, options, async (life) => {
    const xenstore = await XenstoreClient.connect({ ...(path === undefined ? {} : { path }), signal: context.signal });
    try {
      return await work({ xenstore, home: await homeFolder(xenstore) }, life);
    } finally {
      await xenstore.close();
    }
  });
}

/** A relative path means this domain's own folder. @throws StubferryError XENSTORE_PROTOCOL */
async function homeFolder(xenstore: XenstoreClient): Promise<string> {
  const domid = await xenstore.read('domid');
  if (domid !== undefined && /^\d{1,5}$/.test(domid)) return `/local/domain/${domid}`;
  throw new StubferryError('XENSTORE_PROTOCOL', 'xenstore does not say which domain this is', {
    where: 'domid',
    expected: 'a number',
    found: domid === undefined ? 'nothing' : JSON.stringify(domid.slice(0, 64)),
  });
}

function stubdomJob(options: StubdomOptions, disk: DiskPlace): StubdomJob {
  const { source, sink, opaque, force: replace, digest, transfer, spoolDir, spoolLimit } = options;
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

function proxyJob(options: StubdomOptions, disk: DiskPlace, listen: string, qmp: string): ProxyJob {
  const restore = restoreToQemu(options);
  const job: Omit<ProxyJob, 'restore'> = {
    ...{ listen, qmp, disk, provenance: provenanceFrom(options) },
    // A domain that can ask dom0 for a transfer disk has the guest's disks from there, too.
    listMedia: options.xenstore === undefined ? async () => [] : () => xenFrontends(),
    ...{ sha256: options.digest === 'sha256', fifoDir: options.fifoDir },
  };
  if (restore === undefined) return { ...job, restore };
  return { ...job, restore: stubdomJob(options, disk) };
}
