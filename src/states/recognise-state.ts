/**
 * Recognises the format of an input by its first bytes, never by its name, and opens the state in it:
 *
 *     "SFSTATE1"                      statefile
 *     "QEVM"                          bare QEMU state: a device state or a complete migration stream
 *     "Xen saved domain, xl format"   xl save file
 *     "LibxlFmt"                      libxl stream
 *     "LibvirtQemudSave"              libvirt save file
 *     the magic of a superblock       transfer disk
 *
 * All of them except the transfer disk may be compressed with gzip, xz or zstd.
 */

import { printable, StubferryError } from '../base/errors/index.js';
import { SUPERBLOCK_MAGIC } from '../formats/protocol/superblock.js';
import { hasQevmMagic, type QevmStart, recogniseQevm } from '../formats/qevm/index.js';
import type { StateSource } from '../formats/state-source.js';
import { STATEFILE_MAGIC } from '../formats/statefile/file-header.js';
import { StatefileReader, StatefileSource } from '../formats/statefile/statefile-reader.js';
import { type Compression, compressionOf, decompress, peekFront } from '../io/index.js';
import { containerReaderFor, type OpenedContainer, openContainer } from './containers/index.js';

/** The number of bytes that are enough for every magic and for the configuration section of QEMU. */
const FRONT_BYTES = 512;

interface RecognisedInput {
  readonly compressed: Compression | false;
}

interface RecognisedState extends RecognisedInput {
  /** The bare bytes of the state. */
  readonly source: StateSource;
}

type StatefileInput = RecognisedState & { readonly format: 'statefile'; readonly reader: StatefileReader };
type QevmInput = RecognisedState & { readonly format: 'qevm'; readonly start: QevmStart };
type TransferDiskInput = RecognisedInput & { readonly format: 'transfer-disk' };

/** An input of any format, even if it is damaged or contains no state. */
export type ExaminedInput =
  | StatefileInput
  | QevmInput
  | TransferDiskInput
  | (OpenedContainer & RecognisedInput & { readonly format: 'container'; close(): Promise<void> });

/** A state in any format. For a container, `source` is the contained state, and the container is complete. */
export type OpenedState =
  | StatefileInput
  | QevmInput
  | TransferDiskInput
  | (RecognisedState & {
      readonly format: 'container';
      readonly start: QevmStart;
      readonly container: OpenedContainer['container'];
    });

/**
 * Opens the state in an input. It refuses a damaged container.
 * @param outer the source of the input; the caller closes it
 * @param where the name of the input, for error messages
 * @throws StubferryError NOT_A_STATE: when the format is not known
 * @throws StubferryError NOT_IN_INPUT: when a container has no state
 * @throws StubferryError: any error of the state or its container
 */
export async function recogniseState(outer: StateSource, where: string): Promise<OpenedState> {
  const examined = await examineInput(outer, where);
  if (examined.format !== 'container') return examined;
  const { flaw, state, container, compressed } = examined;
  if (flaw !== undefined) throw flaw;
  if (state === undefined) throw withoutState(where);
  return { format: 'container', source: state.source, start: state.start, container, compressed };
}

/** The NOT_IN_INPUT error for a complete container without a QEMU state. */
export function withoutState(where: string): StubferryError {
  return new StubferryError('NOT_IN_INPUT', 'the input contains no emulator context', {
    where,
    expected: 'an EMULATOR_CONTEXT record, as an HVM guest has',
    found: 'none: the input is of a PV or PVH guest, which has no such QEMU',
  });
}

/**
 * Opens an input for an inspection. A damaged container is returned with its error in `flaw`.
 * @param outer the source of the input; the caller closes it
 * @param where the name of the input, for error messages
 * @throws StubferryError NOT_A_STATE: when the format is not known
 * @throws StubferryError: any error in the header of the input
 */
export async function examineInput(outer: StateSource, where: string): Promise<ExaminedInput> {
  const { front, source } = await peekFront(outer, FRONT_BYTES);
  const compressed = compressionOf(front);
  if (compressed === false) return recognised(front, source, compressed, where);
  const decompressed = decompress(compressed, source, where);
  try {
    const inner = await peekFront(decompressed, FRONT_BYTES);
    return await recognised(inner.front, inner.source, compressed, where);
  } catch (error) {
    // This ends a decompressor that may be running.
    await decompressed.close();
    throw error;
  }
}

async function recognised(
  front: Uint8Array,
  source: StateSource,
  compressed: Compression | false,
  where: string,
): Promise<ExaminedInput> {
  const magic = Buffer.from(front.subarray(0, 8)).toString('latin1');
  if (magic === STATEFILE_MAGIC) {
    const reader = await StatefileReader.open(source, where);
    return { format: 'statefile', reader, compressed, source: new StatefileSource(reader, source) };
  }
  if (hasQevmMagic(front)) return { format: 'qevm', start: recogniseQevm(front, where), compressed, source };
  if (magic === SUPERBLOCK_MAGIC) return { format: 'transfer-disk', compressed };
  const reader = containerReaderFor(front, where);
  if (reader !== undefined) {
    const opened = await openContainer(source, reader, where);
    return { format: 'container', compressed, ...opened, close: () => (opened.state?.source ?? source).close() };
  }
  throw new StubferryError('NOT_A_STATE', 'the input contains no state', {
    where,
    offset: 0,
    expected: 'the first bytes of a statefile, a QEMU state, or a save file of xl or libvirt',
    found: front.length === 0 ? 'an empty input' : JSON.stringify(printable(magic)),
    hint: 'other bytes can be transferred with --opaque',
  });
}
