/** `stubferry transfers`, `abort`, `gc`, `status` and `prepare`: what dom0's agent is asked from the command line. */
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

export function transfersCommand(program: Command): void {
  const command = program
    .command('transfers')
    .summary("list the transfers of dom0's agent")
    .description(
      "Lists the transfers of dom0's agent: those under way, and the last ones that have ended. With --follow it goes on, a line for " +
        'each change (with --json a JSON document on a line), until it is stopped.',
    )
    .option('-f, --follow', 'go on, a line for each change', false)
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

export function abortCommand(program: Command): void {
  const command = program
    .command('abort')
    .summary("end a transfer of dom0's agent")
    .description(
      'Ends a transfer: the stubdom is told, the toolstack gets an error, the guest goes on, and nothing is left.',
    )
    .argument('<transfer>', 'its UUID, as in `stubferry transfers`', parseUuidOption)
    .addOption(controlOption());
  command.action((transfer: string, { control }: ControlOptions) => {
    return runCommand(command, async ({ json, signal }) => {
      const view = await askService(control, { command: 'abort', transfer }, signal);
      if (json) await printJson({ transfer: view });
      else await printText(`${transfer}: ${outcomeOf(view) === 'ok' ? 'it had ended well before' : 'aborted'}`);
      return 0;
    });
  });
}

export function prepareCommand(program: Command): void {
  const command = program
    .command('prepare')
    .summary('make and attach the disk for a save that is to come')
    .description(
      "Has dom0's agent make the transfer disk for a save of a target, and attach it, before the toolstack pauses the guest. The save " +
        'that follows takes it. Asked twice, there is one.',
    )
    .argument('<domid>', "the target's domid", parseTarget)
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

export function statusCommand(program: Command): void {
  const command = program
    .command('status')
    .summary("say whether dom0's agent runs, and with what")
    .description("Says whether dom0's agent runs, since when, and what it works on.")
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
    ["dom0's agent", `stubferry ${status.version}, process ${status.pid}`],
    ['running since', status.startedAt],
    ['disks come by', status.driver],
    ['transfer folder', status.transferDir],
    ["toolstack's folder", status.stateDir],
    ['xenstore', status.xenstore],
    ['under way', `${status.underWay} of at most ${status.mostTransfers} transfers`],
  ];
}
