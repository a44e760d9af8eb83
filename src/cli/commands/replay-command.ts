/** The command `stubferry replay`. */
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { type ReplayReport, replayState } from '../../agents/index.js';
import { runCommand } from '../command-context.js';
import { agentArgs, defaultTransferDir } from '../options/transfer-options.js';
import { PROGRAM } from '../program-path.js';
import { formatMs, formatRate } from '../render/format-values.js';
import { printJson, printText, table } from '../render/print.js';
import { startBar } from '../render/progress-bar.js';
import { addPairOptions, type PairCommandOptions } from './pair-command.js';

interface ReplayCommandOptions extends PairCommandOptions {
  readonly scratchDir: string;
}

/** Adds the command. */
export function replayCommand(program: Command): void {
  const command = program
    .command('replay')
    .summary('save and restore captured states, and compare every byte')
    .description(
      'Saves each STATE into a statefile, restores that, and compares both with STATE byte by byte. Each transfer ' +
        'has a new transfer disk, and its dom0 agent and stubdom agent are separate processes.',
    )
    .argument('<states...>', 'statefiles, bare QEMU states, migration streams or save files, also compressed')
    .option('--scratch-dir <directory>', 'directory for intermediate files', tmpdir());
  addPairOptions(command).action((states: string[], options: ReplayCommandOptions) => {
    return runCommand(command, async (context) => {
      const transferDir = options.transferDir ?? (await defaultTransferDir(options.ring));
      const { dom0, stubdom } = agentArgs(options, context.logLevel);
      const bar = startBar(states.length, !context.json);
      const reports: ReplayReport[] = [];
      try {
        for (const state of states) {
          bar.update(reports.length, basename(state));
          reports.push(
            await replayState(state, {
              program: PROGRAM,
              transferDir,
              attach: options.attach,
              scratchDir: options.scratchDir,
              opaque: options.opaque,
              dom0Args: dom0,
              stubdomArgs: stubdom,
              signal: context.signal,
              log: context.log,
            }),
          );
        }
      } finally {
        bar.stop();
      }
      await (context.json ? printJson({ replayed: reports }) : printText(describe(reports)));
      return 0;
    });
  });
}

function describe(reports: readonly ReplayReport[]): string {
  const head = ['state', 'bytes', 'records', 'save', 'restore', 'throughput', 'digest', 'both ways'];
  const rows = reports.map((report) => [
    basename(report.state),
    `${report.bytes}`,
    `${report.dataRecords}`,
    formatMs(report.saveMs),
    formatMs(report.restoreMs),
    formatRate(2 * report.bytes, report.saveMs + report.restoreMs),
    report.sha256 === undefined ? `chain ${report.chain}` : `sha256 ${report.sha256.slice(0, 12)}`,
    'identical',
  ]);
  return `${table(head, rows, [1, 2, 3, 4, 5])}\n\n${reports.length} of ${reports.length} states identical both ways`;
}
