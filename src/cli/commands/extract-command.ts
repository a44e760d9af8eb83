/** The command `stubferry extract`. */
import { type Command, Option } from 'commander';
import { printable, StubferryError } from '../../base/errors/index.js';
import { untilAborted } from '../../base/time/index.js';
import { selectSection } from '../../formats/qevm/index.js';
import { openSource } from '../../io/index.js';
import { readState } from '../../states/containers/index.js';
import { copyAll, writeWhole } from '../../states/conversions/index.js';
import { nameOf, openAnyState, openState } from '../../states/open-state.js';
import { examineInput } from '../../states/recognise-state.js';
import { type CommandContext, runCommand } from '../command-context.js';
import { addFileOutputOptions, type FileOutputOptions, openOutput } from '../options/output-options.js';
import { formatBytes } from '../render/format-values.js';
import { printJson, printText } from '../render/print.js';

interface ExtractOptions extends FileOutputOptions {
  readonly config: boolean;
  readonly section?: string;
}

/** Adds the command. */
export function extractCommand(program: Command): void {
  const command = program
    .command('extract')
    .summary('extract the device state, a section or the domain config')
    .description(
      'FILE is an xl or libvirt save file, a libxl stream, a statefile or a bare QEMU state, also compressed. By ' +
        'default extracts the bare QEMU state, which in an xl save file is the emulator context. A truncated or ' +
        'corrupt FILE produces no output.',
    )
    .argument('<file>', 'file, or - for standard input')
    .option('--section <name>', 'extract the body of one section: NAME, NAME:INSTANCE or id')
    .addOption(
      new Option('--config', 'extract the domain config: JSON from an xl, XML from a libvirt save file')
        .default(false)
        .conflicts('section'),
    );
  addFileOutputOptions(command).action((file: string, options: ExtractOptions) => {
    return runCommand(command, (context) => extract(context, file, options), { stdoutIsState: options.output === '-' });
  });
}

async function extract(context: CommandContext, file: string, options: ExtractOptions): Promise<number> {
  const { signal, json, stdoutIsState } = context;
  const { output, config, section } = options;
  const open = await openOutput(options);
  const part = section === undefined ? (config ? 'config' : 'state') : 'section';
  const bytes =
    part === 'state' ? await extractState(file, open, signal) : await extractPart(partOf(file, section), open, signal);
  if (stdoutIsState) return 0;
  await (json
    ? printJson({ extracted: { file, output, part, ...(section === undefined ? {} : { section }), bytes } })
    : printText(`${file} -> ${output}: ${section ?? part}, ${bytes} bytes (${formatBytes(bytes)})`));
  return 0;
}

type Open = Awaited<ReturnType<typeof openOutput>>;

async function extractState(file: string, open: Open, signal: AbortSignal): Promise<number> {
  const state = await untilAborted(signal, openState(file));
  let bytes = 0;
  try {
    await writeWhole(open, signal, async (output) => {
      bytes = await copyAll(state.source, output);
    });
    return bytes;
  } finally {
    await state.source.close();
  }
}

async function extractPart(part: Promise<Uint8Array>, open: Open, signal: AbortSignal): Promise<number> {
  const bytes = await untilAborted(signal, part);
  await writeWhole(open, signal, (output) => output.write([bytes]));
  return bytes.length;
}

async function partOf(file: string, section: string | undefined): Promise<Uint8Array> {
  return section === undefined ? Buffer.from(await configIn(file), 'utf8') : sectionIn(file, section);
}

/** The body of a section, which is the state of one device as QEMU wrote it. */
async function sectionIn(file: string, wanted: string): Promise<Uint8Array> {
  const { source } = await openAnyState(file);
  try {
    const state = await readState(source, nameOf(file));
    const section = selectSection(state.sections, wanted, nameOf(file));
    const body = state.bodyOf(section);
    if (body !== undefined) return body;
    throw new StubferryError('NOT_IN_INPUT', 'a section with RAM pages cannot be extracted', {
      where: nameOf(file),
      expected: 'a section of a device',
      found: printable(section.name),
    });
  } finally {
    await source.close();
  }
}

/** @throws StubferryError NOT_IN_INPUT: the file contains no config; or the first error in the file */
async function configIn(file: string): Promise<string> {
  const source = await openSource(file);
  try {
    const examined = await examineInput(source, nameOf(file));
    if (examined.format === 'container' && examined.flaw !== undefined) throw examined.flaw;
    const container = examined.format === 'container' ? examined.container : undefined;
    const text =
      container?.kind === 'xl-save'
        ? container.config?.text
        : container?.kind === 'libvirt-save'
          ? container.xml
          : undefined;
    if (text !== undefined) return text;
    throw new StubferryError('NOT_IN_INPUT', 'the input contains no domain config', {
      where: nameOf(file),
      expected: 'an xl save file with its config, or a libvirt save file',
      found: container?.kind ?? examined.format,
    });
  } finally {
    await source.close();
  }
}
