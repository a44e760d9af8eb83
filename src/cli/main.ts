#!/usr/bin/env node
/** The command line. */
import { Command, CommanderError, Option } from 'commander';
import { ERROR_CODES, StubferryError } from '../base/errors/index.js';
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
      'disk made for one transfer: framed, checksummed, and committed before\n' +
      'anybody believes it.\n\n' +
      '  save:     QEMU -> stubdom agent -> [transfer disk] -> dom0 agent -> state\n' +
      '  restore:  state -> dom0 agent -> [transfer disk] -> stubdom agent -> QEMU',
  )
  .version(VERSION)
  .option('--json', 'one JSON document on standard output instead of text', false)
  .addOption(new Option('--log-level <level>', 'what is logged to standard error').choices(LOG_LEVELS).default('warn'))
  .addHelpText(
    'after',
    `
Examples:
  stubferry save --qmp qmp.sock -o guest.state       stop QEMU's guest, take its device state, commit a statefile
  stubferry restore guest.state --incoming in.fifo --qmp qmp.sock
                                                     verify it, feed 'qemu -incoming exec:cat in.fifo', see it load
  stubferry save -i /run/qemu.fifo -o guest.state    the same from a FIFO that somebody else has QEMU write
  stubferry replay fixtures/device-states/*          both ways, two processes each, every byte compared
  stubferry verify guest.state                       read and check every byte
  stubferry agent dom0                               serve the stubdoms of this Xen host
  stubferry doctor                                   has this host all that it needs?

Exit status: 0 done, 2 usage, 10-19 the state, 20-29 the transfer disk, 30-39 the protocol or the peer, 40-49 the destination,
50-57 agents, disks and images of stubdoms, 60-69 QEMU, 70-79 xenstore, 80-89 what was asked of a state, 90-99 dom0's agent,
130 stopped by a signal. 'stubferry exit-codes' lists them all.`,
  )
  .showHelpAfterError("(see 'stubferry --help')")
  .exitOverride();

// A reader that has seen enough (`| head`) is no error; the status of the command stays what it is.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const COMMANDS = {
  'By hand:': [saveCommand, restoreCommand, replayCommand, agentCommand],
  'Look into what was saved:': [inspectCommand, verifyCommand, diffCommand, checkCommand],
  'Make something else of it:': [convertCommand, extractCommand, replaceEmulatorCommand],
  'On a Xen host:': [
    doctorCommand,
    imageCommand,
    statusCommand,
    transfersCommand,
    abortCommand,
    prepareCommand,
    gcCommand,
  ],
  'About:': [exitCodesCommand],
};
for (const [group, commands] of Object.entries(COMMANDS)) {
  program.commandsGroup(group);
  for (const add of commands) add(program);
}
program.helpCommand('help [command]', 'print help for a command');

/** Subcommands inherit neither exitOverride nor global options where a user would expect them. */
function settle(command: Command, path: string): void {
  for (const child of command.commands) {
    const childPath = `${path} ${child.name()}`;
    child.exitOverride().showHelpAfterError(`(see '${childPath} --help')`);
    settle(child, childPath);
  }
}
settle(program, program.name());

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed what is wrong, or the help that was asked for.
  process.exitCode = error.exitCode === 0 ? 0 : ERROR_CODES.USAGE.status;
  if (error.exitCode !== 0 && process.argv.includes('--json')) {
    await printJson({ error: new StubferryError('USAGE', error.message).report() });
  }
}
