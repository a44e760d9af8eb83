/** `stubferry extract` */
import { type Command, Option } from 'commander';
import { untilAborted } from '../agents/index.js';
import { copyAll, writeWhole } from '../conversions/index.js';
import { openSource } from '../endpoints/index.js';
import { StubferryError } from '../errors/index.js';
import { examineInput } from '../statefile/index.js';
import { type CommandContext, runCommand } from './command-context.js';
import { formatBytes } from './format-values.js';
import { nameOf, openState } from './open-state.js';
import { addOutputOptions, type OutputOptions, openOutput } from './output-options.js';
import { printJson, printText } from './print.js';

interface ExtractOptions extends OutputOptions {
  readonly config: boolean;
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
    .addOption(
      new Option('--config', "the domain's config: JSON of an xl save file, XML of a libvirt one").default(false),
    );
  addOutputOptions(command).action((file: string, options: ExtractOptions) => {
    return runCommand(command, (context) => extract(context, file, options), { stdoutIsState: options.output === '-' });
  });
}

async function extract(context: CommandContext, file: string, options: ExtractOptions): Promise<number> {
  const { signal, json, stdoutIsState } = context;
  const open = await openOutput(options);
  const part = options.config ? 'config' : 'state';
  const bytes = await (options.config ? extractConfig : extractState)(file, open, signal);
  if (stdoutIsState) return 0;
  const { output } = options;
  await (json
    ? printJson({ extracted: { file, output, part, bytes } })
    : printText(`${file} -> ${output}: ${part}, ${bytes} bytes (${formatBytes(bytes)})`));
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

async function extractConfig(file: string, open: Open, signal: AbortSignal): Promise<number> {
  const config = Buffer.from(await untilAborted(signal, configIn(file)), 'utf8');
  await writeWhole(open, signal, (output) => output.write([config]));
  return config.length;
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
