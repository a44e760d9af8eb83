/**
 * The common part of `save` and `restore`: starts both agents on this machine, shows the progress and prints the
 * report.
 */
import type { Command } from 'commander';
import { type DriverName, type PairOptions, type PairReport, type QemuEndpoint, runPair } from '../../agents/index.js';
import { ERROR_CODES } from '../../base/errors/index.js';
import type { Direction } from '../../formats/protocol/superblock.js';
import type { CommandContext } from '../command-context.js';
import {
  addTransferOptions,
  agentArgs,
  defaultTransferDir,
  localAttachOption,
  type TransferOptions,
} from '../options/transfer-options.js';
import { PROGRAM } from '../program-path.js';
import { type Checked, checksJson, checksText } from '../render/check-report.js';
import { counted, formatBytes, formatMs, formatRate } from '../render/format-values.js';
import { facts, printJson, printText } from '../render/print.js';
import { startBar } from '../render/progress-bar.js';

/** The options of both commands. */
export interface PairCommandOptions extends TransferOptions {
  readonly transferDir?: string;
  readonly attach: DriverName;
  readonly check?: string;
}

/** Adds `--check` to `save` and `restore`. */
export function addCheckOption(command: Command): Command {
  return command.option('--check <what>', 'check the state against a -dump-vmstate file or a state of the destination');
}

/** Adds the options to `command`. */
export function addPairOptions(command: Command): Command {
  command
    .option(
      '--transfer-dir <directory>',
      'directory for the transfer disk (default: /dev/shm if the disk fits, else the temporary directory)',
    )
    .addOption(localAttachOption());
  return addTransferOptions(command);
}

/**
 * Runs the transfer and prints its report.
 *
 * @returns the exit status
 * @throws StubferryError: the transfer failed, and there is nothing new at the destination
 */
export async function transferPair(
  context: CommandContext,
  options: PairCommandOptions,
  work: {
    readonly direction: Direction;
    readonly input: string;
    readonly output: string;
    readonly qemu: QemuEndpoint | undefined;
    readonly dom0Args: readonly string[];
    /** Checks the saved state after the save. */
    readonly examine?: (() => Promise<readonly Checked[]>) | undefined;
  },
): Promise<number> {
  const transferDir = options.transferDir ?? (await defaultTransferDir(options.ring));
  const { dom0, stubdom } = agentArgs(options, context.logLevel);
  context.log.debug({ transferDir, ...work }, 'starting both agents');
  let guest: string | undefined;
  const bar = startBar(0, !context.json);
  try {
    const report = await runPair({
      program: PROGRAM,
      ...work,
      replace: options.force,
      transferDir,
      attach: options.attach,
      dom0Args: [...dom0, ...work.dom0Args],
      stubdomArgs: stubdom,
      signal: context.signal,
      log: context.log,
      onEvent: (_, event) => {
        if (event.event === 'guest') guest = event.status;
        if (event.event === 'progress') bar.update(event.bytes, formatBytes(event.bytes));
      },
    });
    bar.stop();
    if (!report.senderNotified) {
      context.log.warn(
        { transfer: report.transfer },
        'the sender ended before it received the acknowledgement; the state is complete',
      );
    }
    const checks = await work.examine?.();
    await present(report, context, options, { ...work, guest, checks });
    return checks?.some(({ result }) => !result.loads) === true ? ERROR_CODES.WOULD_NOT_LOAD.status : 0;
  } finally {
    bar.stop();
  }
}

async function present(
  { transfer, state }: PairReport,
  { json }: CommandContext,
  options: PairCommandOptions,
  work: Pick<PairOptions, 'direction' | 'input' | 'output'> & {
    readonly guest: string | undefined;
    readonly checks: readonly Checked[] | undefined;
  },
): Promise<void> {
  const { firstByteAt, endAt, acknowledgedAt, ...rest } = state;
  const ms = acknowledgedAt - firstByteAt;
  const { direction, input, output, guest, checks } = work;
  // Standard output carries the state.
  if (output === '-') return;
  if (json) {
    const moved = { transfer, input, output, guest, ...rest, milliseconds: ms, ring: options.ring };
    const check = checks === undefined ? {} : { check: { file: output, ...checksJson(checks) } };
    await printJson({ [direction]: moved, ...check });
    return;
  }
  const finalStatus = direction === 'save' ? 'COMMITTED' : 'LOADED';
  await printText(
    facts([
      [direction === 'save' ? 'saved' : 'restored', `${input} -> ${output}`],
      ['guest', guest],
      ['kind', state.kind],
      ['bytes', `${state.bytes} (${formatBytes(state.bytes)}) in ${counted(state.dataRecords, 'data record')}`],
      ['time', `${formatMs(ms)} from the first frame to ${finalStatus}, ${formatRate(state.bytes, ms)}`],
      ['sha256', state.sha256],
      ['xxh64', state.xxh64],
      ['chain', state.sha256 === undefined ? state.chain : undefined],
    ]),
  );
  if (checks !== undefined) await printText(`\n${checksText(output, checks)}`);
}
