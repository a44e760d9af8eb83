/** The options for the QEMU that a state is saved from or restored into. */
import { fstatSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Command } from 'commander';
import { descriptorOf, GIVEN_FD, type QemuEndpoint, type RestoreTo, type SaveFrom } from '../../agents/index.js';
import { StubferryError } from '../../base/errors/index.js';

/** The options for a save from QEMU. */
export interface SaveQemuOptions {
  readonly qmp?: string;
  readonly migrate: boolean;
  readonly checkpoint: boolean;
}

/** The options for a restore into QEMU. */
export interface RestoreQemuOptions {
  readonly qmp?: string;
  readonly incoming?: string;
  readonly qemuLog?: string;
}

/** The options of an agent, which saves or restores. */
export interface QemuOptions extends SaveQemuOptions, RestoreQemuOptions {
  readonly fifoDir: string;
}

const QMP = ['--qmp <socket>', 'QMP socket of QEMU (-qmp unix:PATH,server=on,wait=off)'] as const;

function saveOptions(command: Command): Command {
  return command
    .option('--migrate', 'save the whole machine with its RAM instead of the device state', false)
    .option('-c, --checkpoint', 'resume the guest after the save', false);
}

function restoreOptions(command: Command): Command {
  return command
    .option('--incoming <where>', 'FIFO or socket from which QEMU reads the state, or fd:N')
    .option('--qemu-log <file>', 'file with the standard error of QEMU, to report why a load failed');
}

/** Adds the options to a command that saves. */
export function addSaveQemuOptions(command: Command): Command {
  return saveOptions(command.optionsGroup('Saving from QEMU:').option(...QMP)).optionsGroup('Options:');
}

/** Adds the options to a command that restores. */
export function addRestoreQemuOptions(command: Command): Command {
  return restoreOptions(command.optionsGroup('Restoring into QEMU:').option(...QMP)).optionsGroup('Options:');
}

/** Adds the options to an agent, which saves or restores. */
export function addQemuOptions(command: Command): Command {
  return restoreOptions(saveOptions(command.optionsGroup('QEMU:').option(...QMP)))
    .option('--fifo-dir <directory>', 'directory for the FIFO or socket that QEMU writes to', tmpdir())
    .optionsGroup('Options:');
}

/**
 * The QEMU to save from, if the options give a QMP socket and no incoming stream.
 *
 * @throws StubferryError USAGE: an option does not apply
 */
export function saveFromQemu({ qmp, migrate, checkpoint, incoming, fifoDir }: QemuOptions): SaveFrom | undefined {
  if (qmp !== undefined && incoming === undefined) return { qmp, migrate, checkpoint, fifoDir };
  if (migrate || checkpoint)
    throw new StubferryError('USAGE', '--migrate and --checkpoint apply only to a save with --qmp');
  return undefined;
}

/**
 * The QEMU to restore into, if the options give an incoming stream.
 *
 * @throws StubferryError USAGE: a required option is missing
 */
export function restoreToQemu({ qmp, incoming, qemuLog }: RestoreQemuOptions): RestoreTo | undefined {
  if (incoming === undefined && qemuLog === undefined) return undefined;
  if (incoming === undefined) throw new StubferryError('USAGE', '--qemu-log applies only to a restore with --incoming');
  if (qmp !== undefined) return { incoming, qmp, qemuLog };
  throw new StubferryError('USAGE', '--incoming needs --qmp, where QEMU reports whether it has loaded the state');
}

/**
 * The QEMU to save from, with the options that the stubdom agent needs for it.
 *
 * @throws StubferryError USAGE: a required option is missing
 */
export function qemuToSave({ qmp, migrate, checkpoint }: SaveQemuOptions): QemuEndpoint | undefined {
  if (qmp === undefined && (migrate || checkpoint))
    throw new StubferryError('USAGE', '--migrate and --checkpoint need --qmp');
  if (qmp === undefined) return undefined;
  const args = ['--qmp', qmp, ...(migrate ? ['--migrate'] : []), ...(checkpoint ? ['--checkpoint'] : [])];
  return { qmp, args, given: undefined, resumesAfterSave: checkpoint };
}

/**
 * The QEMU to restore into, with the options that the stubdom agent needs for it.
 *
 * @throws StubferryError USAGE: a required option is missing, or a descriptor is not open
 */
export function qemuToRestore(options: RestoreQemuOptions): QemuEndpoint | undefined {
  const to = restoreToQemu(options);
  if (to === undefined && options.qmp !== undefined)
    throw new StubferryError('USAGE', '--qmp needs --incoming, from which QEMU reads the state');
  if (to === undefined || !('incoming' in to)) return undefined;
  const given = descriptorOf(to.incoming);
  if (given !== undefined) assertOpen(given);
  const incoming = given === undefined ? to.incoming : `fd:${GIVEN_FD}`;
  const log = to.qemuLog === undefined ? [] : ['--qemu-log', to.qemuLog];
  return { qmp: to.qmp, args: ['--incoming', incoming, '--qmp', to.qmp, ...log], given, resumesAfterSave: false };
}

/** The first descriptor after standard input, output and error. */
const FIRST_GIVEN = 3;

/** @throws StubferryError USAGE: the descriptor is not open */
function assertOpen(fd: number): void {
  try {
    if (fd >= FIRST_GIVEN) {
      fstatSync(fd);
      return;
    }
  } catch {
    // The descriptor is not open: fall through to the error below.
  }
  throw new StubferryError('USAGE', `--incoming fd:${fd}: the file descriptor is not open`, {
    expected: `an open file descriptor, ${FIRST_GIVEN} or higher`,
  });
}
