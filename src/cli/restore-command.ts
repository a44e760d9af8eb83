/** `stubferry restore` */
import type { Command } from 'commander';
import { runCommand } from './command-context.js';
import { addPairOptions, type PairCommandOptions, transferPair } from './pair-command.js';

interface RestoreOptions extends PairCommandOptions {
  readonly output: string;
}

export function restoreCommand(program: Command): void {
  const command = program
    .command('restore')
    .summary('move a state from dom0 into the stubdom')
    .description(
      'Starts both agents on this machine: the dom0 agent reads the state, the stubdom agent verifies all of it and only\n' +
        'then hands on its first byte. STATE is a statefile, a bare QEMU state or a whole migration stream, also gzipped.',
    )
    .argument('<state>', 'file, FIFO, or - for standard input')
    .requiredOption('-o, --output <path>', 'where the bare state goes: a file, a FIFO, or - for standard output');
  addPairOptions(command).action((input: string, options: RestoreOptions) => {
    const { output } = options;
    const work = { direction: 'restore', input, output, dom0Args: [] } as const;
    return runCommand(command, (context) => transferPair(context, options, work), { stdoutIsState: output === '-' });
  });
}
