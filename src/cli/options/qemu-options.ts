/** The options that say which QEMU a state comes from or goes to. */
import { fstatSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Command } from 'commander';
import { descriptorOf, GIVEN_FD, type QemuEnd, type RestoreTo, type SaveFrom } from '../../agents/index.js';
import { StubferryError } from '../../base/errors/index.js';

export interface SaveQemuOptions {
  readonly qmp?: string;
  readonly migrate: boolean;
  readonly checkpoint: boolean;
}

export interface RestoreQemuOptions {
  readonly qmp?: string;
  readonly incoming?: string;
  readonly qemuLog?: string;
}

export interface QemuOptions extends SaveQemuOptions, RestoreQemuOptions {
  readonly fifoDir: string;
}

const QMP = ['--qmp <socket>', "unix socket of QEMU's monitor (-qmp unix:PATH,server=on,wait=off)"] as const;

function saveOptions(command: Command): Command {
  return command
    .option('--migrate', 'save the whole machine with its RAM, not only the state of its devices', false)
    .option('-c, --checkpoint', 'let the guest go on after the save', false);
}

function restoreOptions(command: Command): Command {
  return command
    .option('--incoming <where>', 'restore to what QEMU reads: a FIFO, a socket that QEMU listens on, or fd:N')
    .option('--qemu-log <file>', "file with QEMU's standard error, for its reason when it fails");
}

/** For a command that saves. */
export function addSaveQemuOptions(command: Command): Command {
  return saveOptions(command.optionsGroup('QEMU, asked for its state:').option(...QMP)).optionsGroup('Options:');
}

/** For a command that restores. */
export function addRestoreQemuOptions(command: Command): Command {
  return restoreOptions(command.optionsGroup('QEMU, waiting for its state:').option(...QMP)).optionsGroup('Options:');
}

/** For an agent, which may do either. */
export function addQemuOptions(command: Command): Command {
  return restoreOptions(saveOptions(command.optionsGroup('QEMU:').option(...QMP)))
    .option('--fifo-dir <dir>', 'where QEMU writes to: a folder for a FIFO or socket is made here', tmpdir())
    .optionsGroup('Options:');
}

/** A save, if a monitor is named and nothing that QEMU waits for. @throws StubferryError USAGE */
export function saveFromQemu({ qmp, migrate, checkpoint, incoming, fifoDir }: QemuOptions): SaveFrom | undefined {
  if (qmp !== undefined && incoming === undefined) return { qmp, migrate, checkpoint, fifoDir };
  if (migrate || checkpoint) throw new StubferryError('USAGE', '--migrate and --checkpoint are for a save from --qmp');
  return undefined;
}

/** @throws StubferryError USAGE */
export function restoreToQemu({ qmp, incoming, qemuLog }: RestoreQemuOptions): RestoreTo | undefined {
  if (incoming === undefined && qemuLog === undefined) return undefined;
  if (incoming === undefined) throw new StubferryError('USAGE', '--qemu-log is for a restore with --incoming');
  if (qmp !== undefined) return { incoming, qmp, qemuLog };
  throw new StubferryError('USAGE', '--incoming needs --qmp: only QEMU knows whether it has loaded the state');
}

/** The QEMU to save, and the options that the stubdom's agent needs for it. @throws StubferryError USAGE */
export function qemuToSave({ qmp, migrate, checkpoint }: SaveQemuOptions): QemuEnd | undefined {
  if (qmp === undefined && (migrate || checkpoint))
    throw new StubferryError('USAGE', '--migrate and --checkpoint need --qmp, the monitor of QEMU');
  if (qmp === undefined) return undefined;
  const args = ['--qmp', qmp, ...(migrate ? ['--migrate'] : []), ...(checkpoint ? ['--checkpoint'] : [])];
  return { qmp, args, given: undefined, goesOn: checkpoint };
}

/** The QEMU to restore into. @throws StubferryError USAGE */
export function qemuToRestore(options: RestoreQemuOptions): QemuEnd | undefined {
  const to = restoreToQemu(options);
  if (to === undefined && options.qmp !== undefined)
    throw new StubferryError('USAGE', '--qmp needs --incoming, what QEMU reads the state from');
  if (to === undefined || !('incoming' in to)) return undefined;
  const given = descriptorOf(to.incoming);
  if (given !== undefined) assertGiven(given);
  const incoming = given === undefined ? to.incoming : `fd:${GIVEN_FD}`;
  const log = to.qemuLog === undefined ? [] : ['--qemu-log', to.qemuLog];
  return { qmp: to.qmp, args: ['--incoming', incoming, '--qmp', to.qmp, ...log], given, goesOn: false };
}

/** Standard input, output and error are the program's own. */
const FIRST_GIVEN = 3;

/** @throws StubferryError USAGE */
function assertGiven(fd: number): void {
  try {
    if (fd >= FIRST_GIVEN) {
      fstatSync(fd);
      return;
    }
  } catch {
    // Not open: as below.
  }
  throw new StubferryError('USAGE', `--incoming fd:${fd} names no descriptor that this command was given`, {
    expected: `an open one, from ${FIRST_GIVEN} on`,
  });
}
