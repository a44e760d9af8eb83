/** The command `stubferry replace-emulator`. */
import type { Command } from 'commander';
import { StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import type { StateSource } from '../../formats/state-source.js';
import { openSource } from '../../io/index.js';
import { BUFFERED_STATE_LIMIT } from '../../states/containers/index.js';
import { allInMemory, replaceEmulator, type SaveFile } from '../../states/conversions/index.js';
import { nameOf, openState } from '../../states/open-state.js';
import { examineInput, withoutState } from '../../states/recognise-state.js';
import { type CommandContext, runCommand } from '../command-context.js';
import { addFileOutputOptions, type FileOutputOptions, openOutput } from '../options/output-options.js';
import { printJson, printText } from '../render/print.js';

/** Adds the command. */
export function replaceEmulatorCommand(program: Command): void {
  const command = program
    .command('replace-emulator')
    .summary('copy an xl save file with another device state')
    .description(
      'SAVE is an xl save file or a libxl stream. STATE contains the device state that replaces its emulator ' +
        'context: a statefile, a bare QEMU state or another save file. SAVE itself is not changed. The copy differs ' +
        'from SAVE only in the record of the emulator context.',
    )
    .argument('<save>', 'xl save file or libxl stream')
    .argument('<state>', 'file, FIFO, or - for standard input');
  addFileOutputOptions(command).action((save: string, state: string, options: FileOutputOptions) => {
    return runCommand(command, (context) => replace(context, save, state, options), {
      stdoutIsState: options.output === '-',
    });
  });
}

async function replace(
  context: CommandContext,
  save: string,
  path: string,
  options: FileOutputOptions,
): Promise<number> {
  const { signal } = context;
  const open = await openOutput(options);
  const state = await untilAborted(signal, deviceStateIn(path));
  const source = await openSource(save);
  try {
    const file = await untilAborted(signal, saveFileIn(source, nameOf(save)));
    await replaceEmulator(file, state, open, signal);
    if (context.stdoutIsState) return 0;
    const report = { save, state: path, output: options.output, was: file.context.length, is: state.length };
    await (context.json
      ? printJson({ replaced: report })
      : printText(`${save} -> ${report.output}: emulator context of ${report.is} bytes instead of ${report.was}`));
    return 0;
  } finally {
    await source.close();
  }
}

async function deviceStateIn(path: string): Promise<Uint8Array> {
  const state = await openState(path);
  try {
    const kind = state.format === 'statefile' ? state.reader.begin.kind : state.start.kind;
    if (kind === 'device-state') return await allInMemory(state.source, BUFFERED_STATE_LIMIT, nameOf(path));
    throw new StubferryError('NOT_A_STATE', 'the state cannot be an emulator context', {
      where: nameOf(path),
      expected: 'a device state, as xen-save-devices-state writes it',
      found: kind === 'opaque' ? 'opaque bytes' : 'a migration stream, which contains the RAM of the guest',
    });
  } finally {
    await state.source.close();
  }
}

async function saveFileIn(source: StateSource, where: string): Promise<SaveFile> {
  const examined = await examineInput(source, where);
  const container = examined.format === 'container' ? examined.container : undefined;
  if (examined.format !== 'container' || container === undefined || container.kind === 'libvirt-save') {
    throw new StubferryError('NOT_A_STATE', 'the input is not an xl save file', {
      where,
      expected: 'an xl save file or a libxl stream',
      found: container?.kind ?? examined.format,
    });
  }
  if (examined.flaw !== undefined) throw examined.flaw;
  const { libxl } = container;
  const context = libxl?.emulatorContext;
  if (libxl === undefined || context === undefined) throw withoutState(where);
  if (source.seekable === undefined || examined.compressed !== false) {
    throw new StubferryError('INPUT_UNREADABLE', 'the save file cannot be read twice', {
      where,
      expected: 'an uncompressed file',
      found: examined.compressed === false ? 'a pipe' : `a file compressed with ${examined.compressed}`,
      hint: 'decompress it into a file first',
    });
  }
  return { file: source.seekable, libxl, context, where };
}
