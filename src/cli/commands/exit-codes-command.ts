/** The command `stubferry exit-codes`. */
import type { Command } from 'commander';
import { ERROR_CODES } from '../../base/errors/index.js';
import { runCommand } from '../command-context.js';
import { printJson, printText, table } from '../render/print.js';

/** Adds the command. */
export function exitCodesCommand(program: Command): void {
  const command = program
    .command('exit-codes')
    .summary('list every exit status with its meaning')
    .description('Lists every exit status with its error code and meaning.');
  command.action(() => {
    return runCommand(command, async ({ json }) => {
      if (json) {
        await printJson({
          ok: 0,
          ...Object.fromEntries(Object.entries(ERROR_CODES).map(([code, { status }]) => [code, status])),
        });
      } else {
        const rows = Object.entries(ERROR_CODES).map(([code, { status, means }]) => [`${status}`, code, means]);
        await printText(table(['status', 'code', 'means'], [['0', 'OK', 'done'], ...rows], [0]));
      }
      return 0;
    });
  });
}
