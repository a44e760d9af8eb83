/**
 * The commands `stubferry transfers`, `abort`, `prepare` and `status`, which send requests to the stubferry service.
 */
import type { Command } from 'commander';
import { askService, followService, outcomeOf, type ServiceStatus, type TransferView } from '../../service/index.js';
import { runCommand } from '../command-context.js';
import { parseTarget, parseUuidOption } from '../options/parse-values.js';
import { controlOption } from '../options/service-options.js';
import { formatBytes, formatMs } from '../render/format-values.js';
import { facts, printJson, printJsonLine, printText, table } from '../render/print.js';

interface ControlOptions {
  readonly control: string;
}

/** Adds the command `transfers`. */
export function transfersCommand(program: Command): void {
  const command = program
    .command('transfers')
    .summary('list the transfers of the stubferry service')
    .description(
      'Lists the transfers of the stubferry service: the active ones and the last ones that ended. With --follow, ' +
        'prints a line for each change (with --json a JSON document on a line) until a signal stops the command.',
    )
    .option('-f, --follow', 'keep running and print a line for each change', false)
    .addOption(controlOption());
  command.action(({ control, follow }: ControlOptions & { readonly follow: boolean }) => {
    return runCommand(command, async ({ json, signal }) => {
      if (follow) return followTransfers(control, json, signal);
      const transfers = await askService(control, { command: 'transfers' }, signal);
      if (json) await printJson({ transfers });
      else await printText(transfers.length === 0 ? 'no transfers' : tableOf(transfers));
      return 0;
    });
  });
}

const COLUMNS = ['transfer', 'direction', 'target', 'stubdom', 'phase', 'bytes', 'attached', 'ended', 'outcome'];
const NUMBERS = [2, 3, 5, 6, 7];

function tableOf(transfers: readonly TransferView[]): string {
  return table(COLUMNS, transfers.map(rowOf), NUMBERS);
}

function rowOf(view: TransferView): string[] {
  const { transfer, direction, target, stubdom, phase, bytes, timings, error } = view;
  const at = (ms: number | undefined): string => (ms === undefined ? '' : formatMs(ms));
  const ended = timings.committed ?? timings.loaded ?? timings.failed;
  const outcome = error === undefined ? (outcomeOf(view) ?? '') : `${error.code}: ${error.message}`;
  return [
    transfer,
    direction,
    `${target}`,
    `${stubdom}`,
    phase,
    formatBytes(bytes),
    at(timings.attached),
    at(ended),
    outcome,
  ];
}

async function followTransfers(control: string, json: boolean, signal: AbortSignal): Promise<number> {
  for await (const view of followService(control, signal)) {
    if (json) await printJsonLine(view);
    else await printText(lineOf(view));
  }
  return 0;
}

function lineOf({ transfer, direction, target, phase, bytes, timings, error }: TransferView): string {
  const why = error === undefined ? '' : `  ${error.code}: ${error.message}`;
  return `${transfer}  ${direction} of ${target}  ${phase} after ${formatMs(timings[phase] ?? 0)}  ${formatBytes(bytes)}${why}`;
}

/** Adds the command `abort`. */
export function abortCommand(program: Command): void {
  const command = program
    .command('abort')
    .summary('abort a transfer of the stubferry service')
    .description(
      'Aborts a transfer: the stubdom agent receives the reason, the toolstack gets an error, the guest resumes, ' +
        'and the transfer disk is removed.',
    )
    .argument('<transfer>', 'UUID of the transfer, as in `stubferry transfers`', parseUuidOption)
    .addOption(controlOption());
  command.action((transfer: string, { control }: ControlOptions) => {
    return runCommand(command, async ({ json, signal }) => {
      const view = await askService(control, { command: 'abort', transfer }, signal);
      if (json) await printJson({ transfer: view });
      else await printText(`${transfer}: ${outcomeOf(view) === 'ok' ? 'already completed' : 'aborted'}`);
      return 0;
    });
  });
}

/** Adds the command `prepare`. */
export function prepareCommand(program: Command): void {
  const command = program
    .command('prepare')
    .summary('create and attach the disk of a later save')
    .description(
      'Makes the stubferry service create and attach the transfer disk of a save before the toolstack pauses the ' +
        'guest. The next save of that target uses the disk. A repeated request creates no second disk.',
    )
    .argument('<domid>', 'domain id of the target', parseTarget)
    .addOption(controlOption());
  command.action((target: number, { control }: ControlOptions) => {
    return runCommand(command, async ({ json, signal }) => {
      const view = await askService(control, { command: 'prepare', target }, signal);
      if (json) await printJson({ transfer: view });
      else await printText(`${view.transfer}: ${view.phase} for ${view.direction} of ${target}`);
      return 0;
    });
  });
}

/** Adds the command `status`. */
export function statusCommand(program: Command): void {
  const command = program
    .command('status')
    .summary('show the status of the stubferry service')
    .description('Shows whether the stubferry service runs, since when, its settings and its number of transfers.')
    .addOption(controlOption());
  command.action(({ control }: ControlOptions) => {
    return runCommand(command, async ({ json, signal }) => {
      const status = await askService(control, { command: 'status' }, signal);
      if (json) await printJson({ status });
      else await printText(facts(factsOf(status)));
      return 0;
    });
  });
}

function factsOf(status: ServiceStatus): (readonly [string, string])[] {
  return [
    ['service', `stubferry ${status.version}, process ${status.pid}`],
    ['running since', status.startedAt],
    ['hotplug driver', status.driver],
    ['transfer directory', status.transferDir],
    ['toolstack directory', status.stateDir],
    ['xenstore', status.xenstore],
    ['active', `${status.underWay} of at most ${status.mostTransfers} transfers`],
  ];
}
