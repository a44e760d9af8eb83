/** What `save` and `restore` have in common: both agents here, a bar while they work, one report at the end. */
import type { Command } from 'commander';
import { type PairReport, runPair, type TransferReport } from '../agents/index.js';
import type { Direction } from '../codec/superblock.js';
import type { CommandContext } from './command-context.js';
import { formatBytes, formatMs, formatRate } from './format-values.js';
import { facts, printJson, printText } from './print.js';
import { PROGRAM } from './program-path.js';
import { startBar } from './progress-bar.js';
import { addTransferOptions, agentArgs, defaultTransferDir, type TransferOptions } from './transfer-options.js';

export interface PairCommandOptions extends TransferOptions {
  readonly transferDir?: string;
}

export function addPairOptions(command: Command): Command {
  command.option(
    '--transfer-dir <dir>',
    'folder for the transfer disk (default: /dev/shm if it fits, else the temporary folder)',
  );
  return addTransferOptions(command);
}

/** @returns the exit status. @throws StubferryError */
export async function transferPair(
  context: CommandContext,
  options: PairCommandOptions,
  work: {
    readonly direction: Direction;
    readonly input: string;
    readonly output: string;
    readonly dom0Args: readonly string[];
  },
): Promise<number> {
  const transferDir = options.transferDir ?? (await defaultTransferDir(options.ring));
  const { dom0, stubdom } = agentArgs(options, context.logLevel);
  context.log.debug({ transferDir, ...work }, 'starting both agents');
  const bar = startBar(0, !context.json);
  try {
    const report = await runPair({
      program: PROGRAM,
      ...work,
      replace: options.force,
      transferDir,
      dom0Args: [...dom0, ...work.dom0Args],
      stubdomArgs: stubdom,
      signal: context.signal,
      onEvent: (_, event) => {
        if (event.event === 'progress') bar.update(event.bytes, formatBytes(event.bytes));
      },
    });
    bar.stop();
    if (report.sender === undefined) {
      context.log.warn({ transfer: report.transfer }, 'the sender ended before it heard that the state is safe; it is');
    }
    await present(report, context, options, work);
    return 0;
  } finally {
    bar.stop();
  }
}

async function present(
  { transfer, sender, receiver }: PairReport,
  { json }: CommandContext,
  options: PairCommandOptions,
  work: { readonly direction: Direction; readonly input: string; readonly output: string },
): Promise<void> {
  const timed: TransferReport = sender ?? receiver;
  const ms = timed.acknowledgedAt - timed.firstByteAt;
  const { direction, input, output } = work;
  // Standard output is the state's when it goes there.
  if (output === '-') return;
  if (json) {
    const { firstByteAt, endAt, acknowledgedAt, ...state } = receiver;
    await printJson({
      [direction]: { transfer, input, output, ...state, milliseconds: ms, ring: options.ring },
    });
    return;
  }
  await printText(
    facts([
      [direction === 'save' ? 'saved' : 'restored', `${input} -> ${output}`],
      ['kind', receiver.kind],
      ['bytes', `${receiver.bytes} (${formatBytes(receiver.bytes)}) in ${receiver.dataFrames} data records`],
      [
        'time',
        `${formatMs(ms)} from the first byte to ${direction === 'save' ? 'COMMITTED' : 'LOADED'}, ${formatRate(receiver.bytes, ms)}`,
      ],
      ['sha256', receiver.sha256],
      ['xxh64', receiver.xxh64],
      ['chain', receiver.sha256 === undefined ? receiver.chain : undefined],
    ]),
  );
}
