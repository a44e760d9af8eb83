/** `stubferry restore` */
import type { Command } from 'commander';
import { StubferryError } from '../../base/errors/index.js';
import { runCommand } from '../command-context.js';
import { addRestoreQemuOptions, qemuToRestore, type RestoreQemuOptions } from '../options/qemu-options.js';
import { checkFirst } from './check-first.js';
import { addPairOptions, type PairCommandOptions, transferPair } from './pair-command.js';

interface RestoreOptions extends PairCommandOptions, RestoreQemuOptions {
  readonly output?: string;
}

export function restoreCommand(program: Command): void {
  const command = program
    .command('restore')
    .summary('move a state from dom0 into the stubdom')
    .description(
      'Starts both agents on this machine: the dom0 agent reads the state, the stubdom agent verifies all of it and only ' +
        'then hands on its first byte. STATE is a statefile, a bare QEMU state or a whole migration stream, or a save file of ' +
        'xl or libvirt, also compressed; one that is not whole is refused before anything is sent. ' +
        'With --incoming and --qmp, a waiting QEMU is fed, and the restore is done when QEMU says that it has loaded it.',
    )
    .argument('<state>', 'file, FIFO, or - for standard input')
    .option('-o, --output <path>', 'where the bare state goes: a file, a FIFO, or - for standard output');
  addPairOptions(addRestoreQemuOptions(command)).action((input: string, options: RestoreOptions) => {
    return runCommand(
      command,
      async (context) => {
        const qemu = qemuToRestore(options);
        const output = options.output ?? options.incoming;
        if (output === undefined || (options.output !== undefined && qemu !== undefined))
          throw new StubferryError('USAGE', 'give either --output, or --incoming with --qmp');
        if (options.check !== undefined) await checkFirst(input, options.check, context.signal);
        return transferPair(context, options, { direction: 'restore', input, output, qemu, dom0Args: [] });
      },
      { stdoutIsState: options.output === '-' },
    );
  });
}
