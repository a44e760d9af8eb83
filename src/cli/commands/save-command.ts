/** The command `stubferry save`. */
import type { Command } from 'commander';
import { StubferryError } from '../../base/errors/index.js';
import { runCommand } from '../command-context.js';
import { addSaveQemuOptions, qemuToSave, type SaveQemuOptions } from '../options/qemu-options.js';
import { checkSaved } from './check-first.js';
import { addCheckOption, addPairOptions, type PairCommandOptions, transferPair } from './pair-command.js';

interface SaveOptions extends PairCommandOptions, SaveQemuOptions {
  readonly input?: string;
  readonly output: string;
  readonly raw: boolean;
}

/** Adds the command. */
export function saveCommand(program: Command): void {
  const command = program
    .command('save')
    .summary('save a state from the stubdom into a statefile')
    .description(
      'Starts both agents on this machine. The stubdom agent reads the state; the dom0 agent verifies and commits ' +
        'it. The output appears only when the whole state is verified and durable. With --qmp, QEMU itself saves its ' +
        'state: the guest is stopped for the save, and resumed if anything fails.',
    )
    .option('-i, --input <path>', 'input file or FIFO, or - for standard input (default: -)')
    .requiredOption('-o, --output <path>', 'output file or FIFO, or - for standard output')
    .option('--raw', 'write the bare QEMU state, which libxl reads, instead of a statefile', false);
  addCheckOption(addPairOptions(addSaveQemuOptions(command))).action((options: SaveOptions) => {
    const { output, raw } = options;
    return runCommand(
      command,
      async (context) => {
        const qemu = qemuToSave(options);
        if (qemu !== undefined && options.input !== undefined)
          throw new StubferryError('USAGE', 'give either --input or --qmp, not both');
        const input = qemu?.qmp ?? options.input ?? '-';
        const examine =
          options.check === undefined ? undefined : await checkSaved(input, output, options.check, context.signal);
        const work = { direction: 'save', input, output, qemu, dom0Args: raw ? ['--raw'] : [], examine } as const;
        return transferPair(context, options, work);
      },
      { stdoutIsState: output === '-' },
    );
  });
}
