/**
 * Opens a container: walks it, so that it is known to be whole or what is wrong with it, and finds the state that it holds.
 *
 *     a file                       walked by position; the state is a part of the file
 *     a pipe, a compressed file    walked forwards to its end; the state is kept in memory meanwhile, at most 64 MiB
 *     a libvirt save file          walked to where QEMU's stream begins: that is the rest, and has its end in itself
 *
 * (Device states under Xen are 6 to 210 KiB; libxl holds one in memory as well.)
 */

import { printable, StubferryError } from '../../base/errors/index.js';
import type { LibvirtSaveSummary } from '../../formats/libvirt-save/index.js';
import { hasQevmMagic, type QevmStart, type QevmState, recogniseQevm } from '../../formats/qevm/index.js';
import type { StateSource } from '../../formats/state-source.js';
import type { EmulatorContext } from '../../formats/xen/libxl-stream/index.js';
import { MemorySource, peekFront, RangeSource } from '../../io/index.js';
import type { ContainerReader } from './container-reader.js';
import { type BareState, libvirtStream } from './libvirt-stream.js';
import { parseFile } from './parse-file.js';
import { parseSource } from './parse-source.js';
import { checkState } from './state-check.js';
import type { ContainerSummary } from './summary.js';

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
  /** Its sections: it was read and is whole. Undefined for the stream of libvirt, which may be many GiB. */
  readonly qevm: QevmState | undefined;
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
    if (source.seekable !== undefined) await parseFile(source.seekable, reader.parse());
    else ({ unread } = await parseSource(source, reader.parse(), where, keep));
  } catch (cause) {
    if (!(cause instanceof StubferryError)) throw cause;
    flaw = cause;
  }
  const container = reader.summary;
  if (container === undefined) throw flaw ?? new Error('a container that is neither known nor damaged');
  const bare =
    container.kind === 'libvirt-save'
      ? await libvirtStream(source, unread, container, where)
      : emulatorContext(source, kept.state, container, where);
  if (bare === undefined || bare instanceof StubferryError) return { container, flaw: flaw ?? bare, state: undefined };
  try {
    return { container, flaw, state: await opened(bare, where, container.kind !== 'libvirt-save') };
  } catch (cause) {
    if (!(cause instanceof StubferryError)) throw cause;
    // What unpacks it must not be left behind.
    await bare.source.close();
    return { container, flaw: flaw ?? cause, state: undefined };
  }
}

function emulatorContext(
  source: StateSource,
  kept: Uint8Array | undefined,
  container: Exclude<ContainerSummary, LibvirtSaveSummary>,
  where: string,
): BareState | undefined {
  const context: EmulatorContext | undefined = container.libxl?.emulatorContext;
  if (context === undefined) return undefined;
  const { offset } = context;
  const close = (): Promise<void> => source.close();
  if (source.seekable !== undefined) return { offset, source: new RangeSource(source.seekable, context, where, close) };
  return kept === undefined ? undefined : { offset, source: new MemorySource(kept, close) };
}

/** @throws StubferryError when it does not begin like a QEMU state, or is not whole */
async function opened({ source, offset }: BareState, where: string, check: boolean): Promise<ContainedState> {
  const { front, source: whole } = await peekFront(source, FRONT_BYTES);
  if (!hasQevmMagic(front)) {
    throw new StubferryError(front.length < 4 ? 'TRUNCATED' : 'CORRUPT', 'what should be a QEMU state is none', {
      where,
      offset,
      expected: '"QEVM"',
      found:
        front.length < 4
          ? `${front.length} bytes`
          : JSON.stringify(printable(Buffer.from(front.subarray(0, 4)).toString('latin1'))),
    });
  }
  const start = startOf(front, where, offset);
  const qevm = check && source.seekable !== undefined ? await checkState(source.seekable, where, offset) : undefined;
  return { source: whole, start, qevm, offset };
}

/** Offsets in its errors are of the container, not of the state alone. */
function startOf(front: Uint8Array, where: string, offset: number): QevmStart {
  try {
    return recogniseQevm(front, where);
  } catch (cause) {
    if (!(cause instanceof StubferryError)) throw cause;
    const { offset: within = 0, ...details } = cause.details;
    throw new StubferryError(cause.code, cause.message, { ...details, offset: offset + within });
  }
}
