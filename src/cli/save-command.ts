/** `stubferry save` */
import type { Command } from 'commander';
import { runCommand } from './command-context.js';
import { addPairOptions, type PairCommandOptions, transferPair } from './pair-command.js';

interface SaveOptions extends PairCommandOptions {
  readonly input: string;
  readonly output: string;
  readonly raw: boolean;
}

export function saveCommand(program: Command): void {
  const command = program
    .command('save')
    .summary('move a state out of the stubdom into a statefile')
    .description(
      'Starts both agents on this machine: the stubdom agent reads the state, the dom0 agent checks it and commits it.\n' +
        'There is nothing at the destination before the whole state was verified and is durable.',
    )
    .option('-i, --input <path>', 'where the state comes from: a file, a FIFO, or - for standard input', '-')
    .requiredOption('-o, --output <path>', 'where it goes: a file, a FIFO, or - for standard output')
    .option('--raw', 'write the bare QEMU state, as libxl wants it, instead of a statefile', false);
  addPairOptions(command).action((options: SaveOptions) => {
    const { input, output, raw } = options;
    const work = { direction: 'save', input, output, dom0Args: raw ? ['--raw'] : [] } as const;
    return runCommand(command, (context) => transferPair(context, options, work), { stdoutIsState: output === '-' });
  });
}
