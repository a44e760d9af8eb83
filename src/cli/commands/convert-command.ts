/** The command `stubferry convert`. */
import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { untilAborted } from '../../base/time/index.js';
import { VERSION, WRITER } from '../../base/version.js';
import { LIMITS } from '../../formats/protocol/limits.js';
import type { BeginRecord } from '../../formats/protocol/records.js';
import { NIL_UUID } from '../../formats/protocol/uuid.js';
import { copyAll, writeStatefile, writeWhole } from '../../states/conversions/index.js';
import { nameOf, openState, type StateToRead } from '../../states/open-state.js';
import { type CommandContext, runCommand } from '../command-context.js';
import { addFileOutputOptions, type FileOutputOptions, openOutput } from '../options/output-options.js';
import { parseDomid, parseSize, parseUuidOption } from '../options/parse-values.js';
import { formatBytes } from '../render/format-values.js';
import { printJson, printText } from '../render/print.js';

interface ConvertOptions extends FileOutputOptions {
  readonly to: 'raw' | 'statefile';
  readonly transfer?: string;
  readonly created?: number;
  readonly frame: number;
  readonly maxState: number;
  readonly digest?: 'sha256' | 'chain';
  readonly targetUuid?: string;
  readonly targetDomid?: number;
  readonly qemuVersion?: string;
  readonly machine?: string;
}

/** Adds the command. */
export function convertCommand(program: Command): void {
  const command = program
    .command('convert')
    .summary('convert between statefile and bare QEMU state')
    .description(
      'STATE is a statefile, a bare QEMU state, or an xl or libvirt save file that contains one, also compressed. ' +
        'A statefile that is converted to a statefile keeps the metadata of its BEGIN record, unless an option ' +
        'replaces it.',
    )
    .argument('<state>', 'file, FIFO, or - for standard input')
    .addOption(new Option('--to <format>', 'output format').choices(['raw', 'statefile']).makeOptionMandatory());
  addFileOutputOptions(command)
    .optionsGroup('Metadata of a statefile:')
    .option('--transfer <uuid>', 'UUID of the transfer (default: a new one)', parseUuidOption)
    .option('--created <time>', 'time of the save, such as 2026-11-23T19:36:42.303Z (default: now)', parseTime)
    .option('--target-uuid <uuid>', 'UUID of the target', parseUuidOption)
    .option('--target-domid <domid>', 'domain id of the target', parseDomid)
    .option('--qemu-version <text>', 'QEMU version')
    .option('--machine <text>', 'machine type')
    .addOption(new Option('--digest <what>', 'as for save (default: sha256)').choices(['sha256', 'chain']))
    .addOption(
      new Option('--frame <size>', 'maximum payload of a frame')
        .argParser(parseFrame)
        .default(LIMITS.payload.default, '1M'),
    )
    .addOption(
      new Option('--max-state <size>', 'maximum size of a state')
        .argParser(parseSize)
        .default(LIMITS.state.default, '64G'),
    )
    .action((input: string, options: ConvertOptions) => {
      return runCommand(command, (context) => convert(context, input, options), {
        stdoutIsState: options.output === '-',
      });
    });
}

async function convert(context: CommandContext, input: string, options: ConvertOptions): Promise<number> {
  const open = await openOutput(options);
  const state = await untilAborted(context.signal, openState(input));
  try {
    const bytes = await (options.to === 'raw'
      ? toRaw(state, open, context)
      : toStatefile(state, open, context, input, options));
    if (context.stdoutIsState) return 0;
    const { output, to } = options;
    await (context.json
      ? printJson({ converted: { input, output, from: state.format, to, bytes } })
      : printText(`${input} -> ${output}: ${to}, ${bytes} bytes (${formatBytes(bytes)})`));
    return 0;
  } finally {
    await state.source.close();
  }
}

type Open = Awaited<ReturnType<typeof openOutput>>;

async function toRaw(state: StateToRead, open: Open, { signal }: CommandContext): Promise<number> {
  let bytes = 0;
  await writeWhole(open, signal, async (output) => {
    bytes = await copyAll(state.source, output);
  });
  return bytes;
}

async function toStatefile(
  state: StateToRead,
  open: Open,
  { signal }: CommandContext,
  input: string,
  options: ConvertOptions,
): Promise<number> {
  const header = { transferUuid: options.transfer ?? randomUUID(), writer: WRITER };
  const { frame: frameBytes, maxState } = options;
  const statefile = { header, begin: beginFor(state, options), frameBytes, maxState };
  return (await writeStatefile(state.source, open, statefile, nameOf(input), signal)).stateBytes;
}

/** The BEGIN record: each value is that of its option, else that of the input. */
function beginFor(state: StateToRead, options: ConvertOptions): BeginRecord {
  const known: BeginRecord =
    state.format === 'statefile'
      ? state.reader.begin
      : {
          ...state.start,
          ...{ targetUuid: NIL_UUID, targetDomid: 0, qemuVersion: '', stubferryVersion: VERSION },
          ...{ createdMs: Date.now(), sha256: true },
        };
  return {
    kind: known.kind,
    targetUuid: options.targetUuid ?? known.targetUuid,
    targetDomid: options.targetDomid ?? known.targetDomid,
    qemuVersion: options.qemuVersion ?? known.qemuVersion,
    machineType: options.machine ?? known.machineType,
    stubferryVersion: known.stubferryVersion,
    createdMs: options.created ?? known.createdMs,
    sha256: options.digest === undefined ? known.sha256 : options.digest === 'sha256',
  };
}

function parseTime(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || ms < 0) throw new InvalidArgumentError('a time has the form 2026-11-23T19:36:42.303Z.');
  return ms;
}

function parseFrame(text: string): number {
  const bytes = parseSize(text);
  const { min, max } = LIMITS.payload;
  if (bytes < min || bytes > max) throw new InvalidArgumentError('the payload of a frame is 4K to 8M.');
  return bytes;
}
