/** `stubferry extract` */
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

export function extractCommand(program: Command): void {
  const command = program
    .command('extract')
    .summary('take the device state, one section or the config out of a save file')
    .description(
      'FILE is a save file of xl or libvirt, a libxl stream, a statefile or a bare QEMU state, also compressed. Without ' +
        'further options the bare bytes of the state come out: of an xl save file, its emulator context. Nothing comes out ' +
        'of a file that is not whole.',
    )
    .argument('<file>', 'file, or - for standard input')
    .option('--section <name>', 'the body of one section of the state: NAME, NAME:INSTANCE or its id')
    .addOption(
      new Option('--config', "the domain's config: JSON of an xl save file, XML of a libvirt one")
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

/** The body of a section: what QEMU wrote of one device. */
async function sectionIn(file: string, wanted: string): Promise<Uint8Array> {
  const { source } = await openAnyState(file);
  try {
    const state = await readState(source, nameOf(file));
    const section = selectSection(state.sections, wanted, nameOf(file));
    const body = state.bodyOf(section);
    if (body !== undefined) return body;
    throw new StubferryError('NOT_IN_INPUT', 'this section has pages of RAM, which are not taken out', {
      where: nameOf(file),
      expected: 'a section of a device',
      found: printable(section.name),
    });
  } finally {
    await source.close();
  }
}

/** @throws StubferryError NOT_IN_INPUT, or what is wrong with the file */
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
    throw new StubferryError('NOT_IN_INPUT', "there is no domain's config in this", {
      where: nameOf(file),
      expected: 'an xl save file with its config, or a libvirt save file',
      found: container?.kind ?? examined.format,
    });
  } finally {
    await source.close();
  }
}
