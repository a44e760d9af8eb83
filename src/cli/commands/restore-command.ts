/** The command `stubferry restore`. */
import type { Command } from 'commander';
import { StubferryError } from '../../base/errors/index.js';
import { runCommand } from '../command-context.js';
import { addRestoreQemuOptions, qemuToRestore, type RestoreQemuOptions } from '../options/qemu-options.js';
import { checkFirst } from './check-first.js';
import { addCheckOption, addPairOptions, type PairCommandOptions, transferPair } from './pair-command.js';

interface RestoreOptions extends PairCommandOptions, RestoreQemuOptions {
  readonly output?: string;
}

/** Adds the command. */
export function restoreCommand(program: Command): void {
  const command = program
    .command('restore')
    .summary('move a state from dom0 into the stubdom')
    .description(
      'Starts both agents on this machine. The dom0 agent reads the state; the stubdom agent verifies all of it ' +
        'before it writes the first byte. STATE is a statefile, a bare QEMU state, a migration stream, or an xl or ' +
        'libvirt save file, also compressed. A save file, and a bare device state in a file, are verified before ' +
        'anything is sent. With --incoming and --qmp, the state goes to a QEMU that waits for it, and the restore ' +
        'ends when QEMU reports that it has loaded the state.',
    )
    .argument('<state>', 'file, FIFO, or - for standard input')
    .option('-o, --output <path>', 'output file or FIFO for the bare state, or - for standard output');
  addCheckOption(addPairOptions(addRestoreQemuOptions(command))).action((input: string, options: RestoreOptions) => {
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
