/** `stubferry convert` */
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

export function convertCommand(program: Command): void {
  const command = program
    .command('convert')
    .summary('make a statefile of a bare QEMU state, or the other way round')
    .description(
      'STATE is a statefile, a bare QEMU state, or a save file of xl or libvirt that holds one, also compressed. A ' +
        'statefile that becomes a statefile again keeps what its BEGIN record says, where no option says otherwise.',
    )
    .argument('<state>', 'file, FIFO, or - for standard input')
    .addOption(new Option('--to <format>', 'what it becomes').choices(['raw', 'statefile']).makeOptionMandatory());
  addFileOutputOptions(command)
    .optionsGroup('What a statefile says of itself:')
    .option('--transfer <uuid>', "the transfer's UUID (default: a new one)", parseUuidOption)
    .option('--created <time>', 'when it was saved, such as 2026-11-23T19:36:42.303Z (default: now)', parseTime)
    .option('--target-uuid <uuid>', "the target's UUID", parseUuidOption)
    .option('--target-domid <domid>', "the target's domid", parseDomid)
    .option('--qemu-version <text>', 'version of QEMU')
    .option('--machine <text>', 'machine type')
    .addOption(new Option('--digest <what>', 'as with save (default: sha256)').choices(['sha256', 'chain']))
    .addOption(
      new Option('--frame <size>', 'payload of a frame').argParser(parseFrame).default(LIMITS.payload.default, '1M'),
    )
    .addOption(
      new Option('--max-state <size>', 'refuse a larger state')
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
      : printText(`${input} -> ${output}: ${to}, ${bytes} bytes (${formatBytes(bytes)}) of state`));
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

/** What the statefile says of the state: the options first, then what is known of it. */
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
  if (bytes < min || bytes > max) throw new InvalidArgumentError('a frame has 4K to 8M.');
  return bytes;
}
