/**
 * Opens a container: parses it to find its state and to check that it is complete.
 *
 *     a file                       is parsed by offset; the state is a range of the file
 *     a pipe, a compressed file    is parsed sequentially to its end; the state is buffered in memory, at most 64 MiB
 *     a libvirt save file          is parsed up to the stream of QEMU, which is the rest of the file and has an end mark
 *
 * Device states under Xen have 6 to 210 KiB. libxl holds a device state in memory as well.
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

/** The maximum size of a state that is buffered in memory, in bytes. */
export const BUFFERED_STATE_LIMIT = 64 * 1024 * 1024;
/** The number of bytes that are enough to recognise a QEMU state. */
const FRONT_BYTES = 512;

/** A parsed container. */
export interface OpenedContainer {
  /** The content of the container. For a damaged container it is the content before the damage. */
  readonly container: ContainerSummary;
  /** The error of a damaged container, or undefined. */
  readonly flaw: StubferryError | undefined;
  readonly state: ContainedState | undefined;
}

/** The state in a container. A damaged container may have one as well. */
export interface ContainedState {
  /** The bare bytes of the state. Closing this source closes the container. */
  readonly source: StateSource;
  readonly start: QevmStart;
  /**
   * The sections of the state, which was read and is complete. Undefined for a libvirt stream, which may have many GiB
   * and is not read here.
   */
  readonly qevm: QevmState | undefined;
  /** The offset of the first byte of the state in the decompressed container, in bytes. */
  readonly offset: number;
}

/**
 * Parses a container and opens its state.
 * @param source the source of the container at its first byte; the caller closes it or the source of the state
 * @param where the name of the input, for error messages
 * @throws StubferryError the error of the parser, when it occurs before the header of the container was read
 */
export async function openContainer(
  source: StateSource,
  reader: ContainerReader,
  where: string,
): Promise<OpenedContainer> {
  const buffered: { state?: Uint8Array } = {};
  const buffering = {
    limit: BUFFERED_STATE_LIMIT,
    onState: (state: Uint8Array) => Object.assign(buffered, { state }),
  };
  let flaw: StubferryError | undefined;
  let unread: Uint8Array = new Uint8Array(0);
  try {
    if (source.seekable !== undefined) await parseFile(source.seekable, reader.parse());
    else ({ unread } = await parseSource(source, reader.parse(), where, buffering));
  } catch (cause) {
    if (!(cause instanceof StubferryError)) throw cause;
    flaw = cause;
  }
  const container = reader.summary;
  if (container === undefined) throw flaw ?? new Error('a container without a summary and without an error');
  const bare =
    container.kind === 'libvirt-save'
      ? await libvirtStream(source, unread, container, where)
      : emulatorContext(source, buffered.state, container, where);
  if (bare === undefined || bare instanceof StubferryError) return { container, flaw: flaw ?? bare, state: undefined };
  try {
    return { container, flaw, state: await opened(bare, where, container.kind !== 'libvirt-save') };
  } catch (cause) {
    if (!(cause instanceof StubferryError)) throw cause;
    // This ends a decompressor that may be running.
    await bare.source.close();
    return { container, flaw: flaw ?? cause, state: undefined };
  }
}

function emulatorContext(
  source: StateSource,
  buffered: Uint8Array | undefined,
  container: Exclude<ContainerSummary, LibvirtSaveSummary>,
  where: string,
): BareState | undefined {
  const context: EmulatorContext | undefined = container.libxl?.emulatorContext;
  if (context === undefined) return undefined;
  const { offset } = context;
  const close = (): Promise<void> => source.close();
  if (source.seekable !== undefined) return { offset, source: new RangeSource(source.seekable, context, where, close) };
  return buffered === undefined ? undefined : { offset, source: new MemorySource(buffered, close) };
}

/** @throws StubferryError when the source does not start with a QEMU state, or the state is not complete */
async function opened({ source, offset }: BareState, where: string, check: boolean): Promise<ContainedState> {
  const { front, source: complete } = await peekFront(source, FRONT_BYTES);
  if (!hasQevmMagic(front)) {
    throw new StubferryError(front.length < 4 ? 'TRUNCATED' : 'CORRUPT', 'the content is not a QEMU state', {
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
  return { source: complete, start, qevm, offset };
}

/** Recognises the state. Offsets in errors are counted from the start of the container, not of the state. */
function startOf(front: Uint8Array, where: string, offset: number): QevmStart {
  try {
    return recogniseQevm(front, where);
  } catch (cause) {
    if (!(cause instanceof StubferryError)) throw cause;
    const { offset: within = 0, ...details } = cause.details;
    throw new StubferryError(cause.code, cause.message, { ...details, offset: offset + within });
  }
}
