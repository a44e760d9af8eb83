/** The command `stubferry gc`. */
import type { Command } from 'commander';
import { driverFor } from '../../agents/index.js';
import { StubferryError } from '../../base/errors/index.js';
import { askService, collectWithoutService, type Orphan } from '../../service/index.js';
import { DEFAULT_TIMEOUTS } from '../../transfer/ring/index.js';
import { XenstoreClient } from '../../xen/xenstore/index.js';
import { type CommandContext, runCommand } from '../command-context.js';
import { type HostOptions, hostOptions } from '../options/service-options.js';
import { type AttachOption, attachOption } from '../options/transfer-options.js';
import { printJson, printText, table } from '../render/print.js';

interface GcOptions extends HostOptions {
  readonly dryRun: boolean;
  readonly attach?: AttachOption;
}

interface Collected {
  readonly removed: readonly Orphan[];
  readonly kept: readonly Orphan[];
}

/** Adds the command. */
export function gcCommand(program: Command): void {
  const command = program
    .command('gc')
    .summary('remove the orphans of killed agents')
    .description(
      "Removes stubferry's orphans: attached disks, disk images, temporary files and journals of transfers that no " +
        'process owns. A running service removes them on request and at each start. Without a service this command ' +
        'removes them, with the transfer directory locked.',
    )
    .option('-n, --dry-run', 'list the orphans and remove nothing', false)
    .addOption(attachOption());
  hostOptions(command).action((options: GcOptions) => {
    return runCommand(command, async (context) => {
      const collected = await collect(context, options);
      if (context.json) await printJson(collected);
      else await printText(report(collected, options.dryRun));
      return 0;
    });
  });
}

async function collect({ signal, log }: CommandContext, options: GcOptions): Promise<Collected> {
  const { control, dryRun, transferDir, attach = 'xen' } = options;
  try {
    return await askService(control, { command: 'gc', dryRun }, signal);
  } catch (error) {
    if (!(error instanceof StubferryError) || error.code !== 'SERVICE_UNREACHABLE') throw error;
    log.info({ control }, 'the stubferry service is not running: collecting without it');
  }
  const path = options.xenstore;
  const needsXenstore = attach === 'xen' || attach === 'xl';
  const xenstore = needsXenstore
    ? await XenstoreClient.connect({ ...(path === undefined ? {} : { path }), signal })
    : undefined;
  try {
    return await collectWithoutService(
      { driver: driverFor(attach, xenstore), transferDir, timeouts: DEFAULT_TIMEOUTS, log },
      dryRun,
    );
  } finally {
    await xenstore?.close();
  }
}

function report({ removed, kept }: Collected, dryRun: boolean): string {
  const rows = [
    ...removed.map((one) => ['removed', ...rowOf(one)]),
    ...kept.map((one) => [dryRun ? 'found' : 'kept', ...rowOf(one)]),
  ];
  return rows.length === 0 ? 'no orphans' : table(['', 'what', 'transfer', 'where'], rows);
}

function rowOf({ kind, what, transfer }: Orphan): string[] {
  return [kind, transfer ?? '', what];
}
