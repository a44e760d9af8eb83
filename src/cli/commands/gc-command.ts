/** `stubferry gc` */
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

export function gcCommand(program: Command): void {
  const command = program
    .command('gc')
    .summary('remove what a killed agent has left')
    .description(
      'Removes what transfers have left that nobody owns any more: attached disks, images, temporaries, journals; only those of ' +
        "stubferry. A running agent does it itself (also at each start); without one this command does, with the agent's folder locked.",
    )
    .option('-n, --dry-run', 'only say what is there', false)
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
    log.info({ control }, "dom0's agent does not run: looking without it");
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
    ...kept.map((one) => [dryRun ? 'there' : 'kept', ...rowOf(one)]),
  ];
  return rows.length === 0 ? 'nothing is left over' : table(['', 'what', 'transfer', 'where'], rows);
}

function rowOf({ kind, what, transfer }: Orphan): string[] {
  return [kind, transfer ?? '', what];
}
