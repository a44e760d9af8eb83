/** `stubferry replace-emulator` */
import type { Command } from 'commander';
import { StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import type { StateSource } from '../../formats/state-source.js';
import { openSource } from '../../io/index.js';
import { MOST_KEPT } from '../../states/containers/index.js';
import { allInMemory, replaceEmulator, type SaveFile } from '../../states/conversions/index.js';
import { nameOf, openState } from '../../states/open-state.js';
import { examineInput, withoutState } from '../../states/recognise-state.js';
import { type CommandContext, runCommand } from '../command-context.js';
import { addFileOutputOptions, type FileOutputOptions, openOutput } from '../options/output-options.js';
import { printJson, printText } from '../render/print.js';

export function replaceEmulatorCommand(program: Command): void {
  const command = program
    .command('replace-emulator')
    .summary('write an xl save file again with another device state in it')
    .description(
      'SAVE is an xl save file or a libxl stream, STATE the device state to put in the place of its emulator context: a ' +
        'statefile, a bare QEMU state, or another save file. SAVE itself is not changed; in the copy all but the one record ' +
        'is byte for byte the same.',
    )
    .argument('<save>', 'the save file')
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
    if (kind === 'device-state') return await allInMemory(state.source, MOST_KEPT, nameOf(path));
    throw new StubferryError('NOT_A_STATE', 'this cannot be an emulator context', {
      where: nameOf(path),
      expected: 'a device state, as xen-save-devices-state writes it',
      found:
        kind === 'opaque' ? 'bytes that nobody looked into' : 'a whole migration stream, with the RAM of the guest',
    });
  } finally {
    await state.source.close();
  }
}

async function saveFileIn(source: StateSource, where: string): Promise<SaveFile> {
  const examined = await examineInput(source, where);
  const container = examined.format === 'container' ? examined.container : undefined;
  if (examined.format !== 'container' || container === undefined || container.kind === 'libvirt-save') {
    throw new StubferryError('NOT_A_STATE', 'this is no save file of xl', {
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
    throw new StubferryError('INPUT_UNREADABLE', 'the save file has to be read twice', {
      where,
      expected: 'a file that is not compressed',
      found: examined.compressed === false ? 'a pipe' : `a file compressed with ${examined.compressed}`,
      hint: 'unpack it into a file first',
    });
  }
  return { file: source.seekable, libxl, context, where };
}
