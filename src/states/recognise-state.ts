/**
 * Opens anything that holds a state, told by its content, never by its name:
 *
 *     "SFSTATE1"                      statefile
 *     "QEVM"                          bare QEMU state: device state or whole migration stream
 *     "Xen saved domain, xl format"   xl save file
 *     "LibxlFmt"                      libxl stream
 *     "LibvirtQemudSave"              libvirt save file
 *     the magic of a superblock       transfer disk
 *
 * and each of them, but for the disk, compressed with gzip, xz or zstd.
 */

import { printable, StubferryError } from '../base/errors/index.js';
import { SUPERBLOCK_MAGIC } from '../formats/protocol/superblock.js';
import { hasQevmMagic, type QevmStart, recogniseQevm } from '../formats/qevm/index.js';
import type { StateSource } from '../formats/state-source.js';
import { STATEFILE_MAGIC } from '../formats/statefile/file-header.js';
import { StatefileReader, StatefileSource } from '../formats/statefile/statefile-reader.js';
import { type Compression, compressionOf, peekFront, unpack } from '../io/index.js';
import { containerReaderFor, type OpenedContainer, openContainer } from './containers/index.js';

/** Enough for every magic, and for QEMU's configuration section. */
const ENOUGH = 512;

interface Held {
  readonly compressed: Compression | false;
}

interface Opened extends Held {
  /** The bare state. */
  readonly source: StateSource;
}

type StatefileOpened = Opened & { readonly format: 'statefile'; readonly reader: StatefileReader };
type QevmOpened = Opened & { readonly format: 'qevm'; readonly start: QevmStart };
type DiskFound = Held & { readonly format: 'transfer-disk' };

/** What an input is, even if it is damaged, or holds no state. */
export type ExaminedInput =
  | StatefileOpened
  | QevmOpened
  | DiskFound
  | (OpenedContainer & Held & { readonly format: 'container'; close(): Promise<void> });

/** A state in any form. Of a container, `source` is the state that it holds, and the container is whole. */
export type OpenedState =
  | StatefileOpened
  | QevmOpened
  | DiskFound
  | (Opened & {
      readonly format: 'container';
      readonly start: QevmStart;
      readonly container: OpenedContainer['container'];
    });

/**
 * Opens a state to be used.
 * @param outer the source as it was opened; the caller closes it
 * @param where its name, for messages
 * @throws StubferryError NOT_A_STATE, NOT_IN_INPUT for a container without a state, and whatever the state or its container
 * is refused for
 */
export async function recogniseState(outer: StateSource, where: string): Promise<OpenedState> {
  const examined = await examineInput(outer, where);
  if (examined.format !== 'container') return examined;
  const { flaw, state, container, compressed } = examined;
  if (flaw !== undefined) throw flaw;
  if (state === undefined) throw withoutState(where);
  return { format: 'container', source: state.source, start: state.start, container, compressed };
}

/** The error for a container that is whole, but has no state for QEMU in it. */
export function withoutState(where: string): StubferryError {
  return new StubferryError('NOT_IN_INPUT', 'there is no emulator context in this', {
    where,
    expected: 'an EMULATOR_CONTEXT record, as an HVM guest has',
    found: 'none: it is of a PV or PVH guest, which has no QEMU of that kind',
  });
}

/**
 * Opens an input to be looked at: a damaged container comes with its flaw.
 * @param outer the source as it was opened; the caller closes it
 * @throws StubferryError NOT_A_STATE, and whatever the header of the input is refused for
 */
export async function examineInput(outer: StateSource, where: string): Promise<ExaminedInput> {
  const { front, source } = await peekFront(outer, ENOUGH);
  const compressed = compressionOf(front);
  if (compressed === false) return recognised(front, source, compressed, where);
  const unpacked = unpack(compressed, source, where);
  try {
    const inner = await peekFront(unpacked, ENOUGH);
    return await recognised(inner.front, inner.source, compressed, where);
  } catch (error) {
    // What unpacks it must not be left behind.
    await unpacked.close();
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
  throw new StubferryError('NOT_A_STATE', 'this holds no state', {
    where,
    offset: 0,
    expected: 'a statefile, a QEMU state, or a save file of xl or libvirt, by its first bytes',
    found: front.length === 0 ? 'an empty input' : JSON.stringify(printable(magic)),
    hint: 'bytes of another kind can be moved with --opaque',
  });
}
