/** The command `stubferry agent stubdom`. */
import { type Command, Option } from 'commander';
import {
  type AgentLife,
  type DiskOrigin,
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
  /** A path, or true for the default. */
  readonly xenstore?: string | true;
  readonly source?: string;
  readonly sink?: string;
  readonly qmpProxy?: string;
  /** The alias `--gate` of `--qmp-proxy`. */
  readonly gate?: string;
}

/** Options that do not apply to a QMP proxy, which serves every save of its QEMU. */
const NOT_WITH_PROXY = ['source', 'sink', 'transfer', 'migrate', 'checkpoint', 'opaque'];

/** Adds the command. */
export function stubdomAgentCommand(agent: Command): void {
  const command = agent
    .command('stubdom')
    .summary('run the stubdom side of a transfer, or a QMP proxy')
    .description(
      'Waits for the transfer disk and runs one transfer over it. With --qmp-proxy it runs as a proxy between the ' +
        "toolstack and QEMU, with a transfer for each save, until a signal stops it. 'stubferry exit-codes' lists " +
        'the exit status.',
    )
    .option('--disk <path>', 'device node or file of the transfer disk; it may appear later')
    .addOption(
      new Option(
        '--xenstore [path]',
        'request the disk from the stubferry service through xenstore, at this socket or device (default: the ' +
          'first that exists)',
      ).conflicts(['disk', 'transfer']),
    )
    .option('--source <path>', 'file or FIFO to send in a save, or - for standard input')
    .option('--sink <path>', 'file or FIFO to write in a restore, or - for standard output')
    .addOption(
      new Option(
        '--qmp-proxy <socket>',
        'socket for the toolstack; commands other than saves are forwarded to QEMU (--qmp)',
      ).conflicts(['gate', ...NOT_WITH_PROXY]),
    )
    .addOption(new Option('--gate <socket>', 'alias of --qmp-proxy').conflicts(NOT_WITH_PROXY));
  addAgentOptions(addQemuOptions(command)).action((options: StubdomOptions) => {
    const run = (context: CommandContext): Promise<number> => runStubdom(context, options);
    return runCommand(command, run, { stdoutIsState: options.sink === '-' });
  });
}

async function runStubdom(context: CommandContext, options: StubdomOptions): Promise<number> {
  const { qmpProxy: proxy = options.gate, qmp } = options;
  if (proxy !== undefined && qmp === undefined) throw new StubferryError('USAGE', '--qmp-proxy needs --qmp');
  const work = (disk: DiskOrigin, life: AgentLife): Promise<TransferSummary> => {
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
      return await work({ xenstore, home: await homePath(xenstore) }, life);
    } finally {
      await xenstore.close();
    }
  });
}

/**
 * The xenstore path of this domain. A relative path such as `domid` is relative to it.
 *
 * @throws StubferryError XENSTORE_PROTOCOL: `domid` is not a domain id
 */
async function homePath(xenstore: XenstoreClient): Promise<string> {
  const domid = await xenstore.read('domid');
  if (domid !== undefined && /^\d{1,5}$/.test(domid)) return `/local/domain/${domid}`;
  throw new StubferryError('XENSTORE_PROTOCOL', 'xenstore has no valid domain id of this domain', {
    where: 'domid',
    expected: 'a number',
    found: domid === undefined ? 'nothing' : JSON.stringify(domid.slice(0, 64)),
  });
}

function stubdomJob(options: StubdomOptions, disk: DiskOrigin): StubdomJob {
  const { source, sink, opaque, force: replace, digest, transfer, spoolDir, spoolLimit } = options;
  const [saveQemu, restoreQemu] = [saveFromQemu(options), restoreToQemu(options)];
  if (source !== undefined && saveQemu !== undefined)
    throw new StubferryError('USAGE', 'give either --source or --qmp, not both');
  if (sink !== undefined && restoreQemu !== undefined)
    throw new StubferryError('USAGE', 'give either --sink or --incoming, not both');
  const save = source === undefined ? saveQemu : { path: source };
  const restore = sink === undefined ? restoreQemu : { path: sink, replace };
  if (save === undefined && restore === undefined)
    throw new StubferryError('USAGE', 'give --source or --qmp, --sink or --incoming');
  return {
    ...{ disk, transferUuid: transfer, provenance: provenanceFrom(options), save, restore, opaque },
    ...{ sha256: digest === 'sha256', spoolDirectory: spoolDir, spoolLimit },
  };
}

function proxyJob(options: StubdomOptions, disk: DiskOrigin, listen: string, qmp: string): ProxyJob {
  const restore = restoreToQemu(options);
  const job: Omit<ProxyJob, 'restore'> = {
    ...{ listen, qmp, disk, provenance: provenanceFrom(options) },
    // A domain that can request a transfer disk from dom0 also has the disks of the guest from dom0.
    listMedia: options.xenstore === undefined ? async () => [] : () => xenFrontends(),
    ...{ sha256: options.digest === 'sha256', fifoDir: options.fifoDir },
  };
  if (restore === undefined) return { ...job, restore };
  return { ...job, restore: stubdomJob(options, disk) };
}
