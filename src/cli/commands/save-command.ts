/** `stubferry save` */
import type { Command } from 'commander';
import { StubferryError } from '../../base/errors/index.js';
import { runCommand } from '../command-context.js';
import { addSaveQemuOptions, qemuToSave, type SaveQemuOptions } from '../options/qemu-options.js';
import { checkSaved } from './check-first.js';
import { addPairOptions, type PairCommandOptions, transferPair } from './pair-command.js';

interface SaveOptions extends PairCommandOptions, SaveQemuOptions {
  readonly input?: string;
  readonly output: string;
  readonly raw: boolean;
}

export function saveCommand(program: Command): void {
  const command = program
    .command('save')
    .summary('move a state out of the stubdom into a statefile')
    .description(
      'Starts both agents on this machine: the stubdom agent reads the state, the dom0 agent checks it and commits it. ' +
        'There is nothing at the destination before the whole state was verified and is durable. With --qmp, QEMU itself is ' +
        'asked for its state: the guest is stopped for it, and goes on if anything fails.',
    )
    .option('-i, --input <path>', 'where the state comes from: a file, a FIFO, or - for standard input (the default)')
    .requiredOption('-o, --output <path>', 'where it goes: a file, a FIFO, or - for standard output')
    .option('--raw', 'write the bare QEMU state, as libxl wants it, instead of a statefile', false);
  addPairOptions(addSaveQemuOptions(command)).action((options: SaveOptions) => {
    const { output, raw } = options;
    return runCommand(
      command,
      async (context) => {
        const qemu = qemuToSave(options);
        if (qemu !== undefined && options.input !== undefined)
          throw new StubferryError('USAGE', 'give either --input or --qmp: a state comes from one place');
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
