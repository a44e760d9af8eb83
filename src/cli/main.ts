#!/usr/bin/env node
/** The entry point of the `stubferry` program: defines all commands and runs the requested one. */
import { Command, CommanderError, Option } from 'commander';
import { ERROR_CODES, StubferryError } from '../base/errors/index.js';
import { assertOrder } from '../base/time/timeouts.js';
import { VERSION } from '../base/version.js';
import { agentCommand } from './commands/agent-command.js';
import { checkCommand } from './commands/check-command.js';
import { convertCommand } from './commands/convert-command.js';
import { diffCommand } from './commands/diff-command.js';
import { doctorCommand } from './commands/doctor-command.js';
import { exitCodesCommand } from './commands/exit-codes-command.js';
import { extractCommand } from './commands/extract-command.js';
import { gcCommand } from './commands/gc-command.js';
import { imageCommand } from './commands/image-command.js';
import { inspectCommand } from './commands/inspect-command.js';
import { replaceEmulatorCommand } from './commands/replace-emulator-command.js';
import { replayCommand } from './commands/replay-command.js';
import { restoreCommand } from './commands/restore-command.js';
import { saveCommand } from './commands/save-command.js';
import { abortCommand, prepareCommand, statusCommand, transfersCommand } from './commands/transfers-command.js';
import { verifyCommand } from './commands/verify-command.js';
import { LOG_LEVELS } from './render/logger.js';
import { printJson } from './render/print.js';

const program = new Command('stubferry')
  .description(
    "Moves QEMU's device state between a Xen stub domain and dom0, over a small\n" +
      'disk that is made for one transfer. The state is framed and checksummed, and\n' +
      'it is committed only after every byte is verified.\n\n' +
      '  save:     QEMU -> stubdom agent -> [transfer disk] -> dom0 agent -> state\n' +
      '  restore:  state -> dom0 agent -> [transfer disk] -> stubdom agent -> QEMU',
  )
  .version(VERSION)
  .option('--json', 'print one JSON document instead of text', false)
  .addOption(
    new Option('--log-level <level>', 'log level; logs go to standard error').choices(LOG_LEVELS).default('warn'),
  )
  .addHelpText(
    'after',
    `
Examples:
  stubferry save --qmp qmp.sock -o guest.state       stop the guest of a QEMU and save its device state to a statefile
  stubferry restore guest.state --incoming in.fifo --qmp qmp.sock
                                                     verify it, feed it to a QEMU that waits for it
  stubferry save -i /run/qemu.fifo -o guest.state    save a state that QEMU writes to a FIFO
  stubferry replay fixtures/device-states/*          save and restore each state, and compare every byte
  stubferry verify guest.state                       verify every byte of a statefile
  stubferry agent dom0                               run the stubferry service of this Xen host
  stubferry doctor                                   check whether this host is ready as dom0

Exit status: 0 done, 2 usage, 10-19 the state, 20-29 the transfer disk, 30-39 the protocol or the peer,
40-49 the destination, 50-57 agents, disks and images of stubdoms, 60-69 QEMU, 70-79 xenstore,
80-89 comparing and checking states, 90-99 the stubferry service, 130 stopped by a signal.
'stubferry exit-codes' lists them all.`,
  )
  .showHelpAfterError("(see 'stubferry --help')")
  .exitOverride();

// A reader that closes the pipe early (`| head`) is not an error and does not change the exit status of the command.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const COMMANDS = {
  'Transfer a state:': [saveCommand, restoreCommand, replayCommand, agentCommand],
  'Examine a state:': [inspectCommand, verifyCommand, diffCommand, checkCommand],
  'Convert a state:': [convertCommand, extractCommand, replaceEmulatorCommand],
  'Manage a Xen host:': [
    doctorCommand,
    imageCommand,
    statusCommand,
    transfersCommand,
    abortCommand,
    prepareCommand,
    gcCommand,
  ],
  'Other:': [exitCodesCommand],
};
for (const [group, commands] of Object.entries(COMMANDS)) {
  program.commandsGroup(group);
  for (const add of commands) add(program);
}
program.helpCommand('help [command]', 'print the help of a command');

/** Applies exitOverride and the help hint to all subcommands: Commander does not inherit them. */
function configureSubcommands(command: Command, path: string): void {
  for (const child of command.commands) {
    const childPath = `${path} ${child.name()}`;
    child.exitOverride().showHelpAfterError(`(see '${childPath} --help')`);
    configureSubcommands(child, childPath);
  }
}
configureSubcommands(program, program.name());

try {
  assertOrder();
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has already printed the error or the requested help.
  process.exitCode = error.exitCode === 0 ? 0 : ERROR_CODES.USAGE.status;
  if (error.exitCode !== 0 && process.argv.includes('--json')) {
    await printJson({ error: new StubferryError('USAGE', error.message).report() });
  }
}
