/**
 * Opens a container: walks it, so that it is known to be whole or what is wrong with it, and finds the state that it holds.
 *
 *     a file                       walked by position; the state is a part of the file
 *     a pipe, a compressed file    walked forwards to its end; the state is kept in memory meanwhile, at most 64 MiB
 *     a libvirt save file          walked to where QEMU's stream begins: that is the rest, and has its end in itself
 *
 * (Device states under Xen are 6 to 210 KiB; libxl holds one in memory as well.)
 */
import { type Compression, MemorySource, PeekedSource, peekAt, RangeSource, unpack } from '../endpoints/index.js';
import { StubferryError } from '../errors/index.js';
import type { LibvirtSaveSummary } from '../libvirt-save/index.js';
import type { EmulatorContext } from '../libxl-stream/index.js';
import { hasQevmMagic, type QevmStart, recogniseQevm } from '../qevm/recognise.js';
import type { StateSource } from '../transfer/index.js';
import type { ContainerReader } from './container-reader.js';
import type { ContainerSummary } from './summary.js';
import { walkFile } from './walk-file.js';
import { walkSource } from './walk-source.js';

/** Most bytes of a state that are held in memory. */
export const MOST_KEPT = 64 * 1024 * 1024;
/** Enough to say what a QEMU state is. */
const FRONT_BYTES = 512;

export interface OpenedContainer {
  /** Of a damaged container, what was found before the damage. */
  readonly container: ContainerSummary;
  /** What is wrong with it, if anything is. */
  readonly flaw: StubferryError | undefined;
  readonly state: ContainedState | undefined;
}

/** The state in a container; as far as it is known, even of a damaged one. */
export interface ContainedState {
  /** Its bare bytes; closing it closes the container. */
  readonly source: StateSource;
  readonly start: QevmStart;
  /** Where it begins in the (unpacked) container, bytes. */
  readonly offset: number;
}

/**
 * @param source at its first byte; the caller closes it, or the state's source
 * @throws StubferryError what is wrong, when that is before anything can be said of the container
 */
export async function openContainer(
  source: StateSource,
  reader: ContainerReader,
  where: string,
): Promise<OpenedContainer> {
  const kept: { state?: Uint8Array } = {};
  const keep = { limit: MOST_KEPT, onState: (state: Uint8Array) => Object.assign(kept, { state }) };
  let flaw: StubferryError | undefined;
  let unread: Uint8Array = new Uint8Array(0);
  try {
    if (source.seekable !== undefined) await walkFile(source.seekable, reader.walk());
    else ({ unread } = await walkSource(source, reader.walk(), where, keep));
  } catch (cause) {
    if (!(cause instanceof StubferryError)) throw cause;
    flaw = cause;
  }
  const container = reader.summary;
  if (container === undefined) throw flaw ?? new Error('a container that is neither known nor damaged');
  try {
    const bytes =
      container.kind === 'libvirt-save'
        ? await libvirtStream(source, unread, container, where, flaw)
        : emulatorContext(source, kept.state, container, where);
    return { container, flaw, state: bytes === undefined ? undefined : await begun(bytes, where) };
  } catch (cause) {
    if (!(cause instanceof StubferryError)) throw cause;
    return { container, flaw: flaw ?? cause, state: undefined };
  }
}

interface Bytes {
  readonly source: StateSource;
  readonly offset: number;
}

function emulatorContext(
  source: StateSource,
  kept: Uint8Array | undefined,
  container: Exclude<ContainerSummary, LibvirtSaveSummary>,
  where: string,
): Bytes | undefined {
  const context: EmulatorContext | undefined = container.libxl?.emulatorContext;
  if (context === undefined) return undefined;
  const { offset } = context;
  const close = (): Promise<void> => source.close();
  if (source.seekable !== undefined) return { offset, source: new RangeSource(source.seekable, context, where, close) };
  return kept === undefined ? undefined : { offset, source: new MemorySource(kept, close) };
}

const UNPACKED: Readonly<Partial<Record<LibvirtSaveSummary['compression'], Compression | 'raw'>>> = {
  raw: 'raw',
  gzip: 'gzip',
  xz: 'xz',
  zstd: 'zstd',
};

async function libvirtStream(
  source: StateSource,
  unread: Uint8Array,
  container: LibvirtSaveSummary,
  where: string,
  flaw: StubferryError | undefined,
): Promise<Bytes | undefined> {
  const { stateOffset: offset, compression } = container;
  if (offset === undefined || flaw !== undefined) return undefined;
  const how = UNPACKED[compression];
  if (how === undefined) {
    throw new StubferryError('UNSUPPORTED_VERSION', `the stream in the libvirt save file is ${compression}`, {
      where,
      offset,
      expected: Object.keys(UNPACKED).join(', '),
      found: compression,
      hint:
        compression === 'sparse' ? 'it is no stream' : `unpack it: tail -c +${offset + 1} FILE | ${compression} -dc`,
    });
  }
  const { seekable } = source;
  const close = (): Promise<void> => source.close();
  const stream =
    seekable === undefined
      ? new PeekedSource(unread, source)
      : new RangeSource(seekable, { offset, length: (await seekable.size()) - offset }, where, close);
  return { offset, source: how === 'raw' ? stream : unpack(how, stream, where) };
}

async function begun({ source, offset }: Bytes, where: string): Promise<ContainedState> {
  const { front, source: whole } = await peekAt(source, FRONT_BYTES);
  if (!hasQevmMagic(front)) {
    throw new StubferryError(front.length < 4 ? 'TRUNCATED' : 'CORRUPT', 'what should be a QEMU state is none', {
      where,
      offset,
      expected: '"QEVM"',
      found: front.length < 4 ? `${front.length} bytes` : 'other bytes',
    });
  }
  try {
    return { source: whole, start: recogniseQevm(front, where), offset };
  } catch (cause) {
    if (!(cause instanceof StubferryError)) throw cause;
    // The offset in it is that of the state alone.
    const { offset: within = 0, ...details } = cause.details;
    throw new StubferryError(cause.code, cause.message, { ...details, offset: offset + within });
  }
}
