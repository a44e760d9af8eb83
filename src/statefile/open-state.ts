/**
 * Opens anything that holds a state: a statefile, a bare QEMU state (device state or whole migration stream), or either
 * of them compressed with gzip. What it is is told by its content, never by its name.
 */
import { SUPERBLOCK_MAGIC } from '../codec/superblock.js';
import { GunzipSource, PeekedSource } from '../endpoints/index.js';
import { printable, StubferryError } from '../errors/index.js';
import { hasQevmMagic, type QevmStart, recogniseQevm } from '../qevm/recognise.js';
import type { StateSource } from '../transfer/index.js';
import { STATEFILE_MAGIC } from './file-header.js';
import { StatefileReader, StatefileSource } from './statefile-reader.js';

/** Enough for every magic, and for QEMU's configuration section. */
const ENOUGH = 512;
/** What is taken if it is there at once: what a pipe holds, so that a small state stays in one piece. */
const PEEK_BYTES = 64 * 1024;

interface Opened {
  /** The bare state. */
  readonly source: StateSource;
  readonly compressed: boolean;
}

export type OpenedState =
  | (Opened & { readonly format: 'statefile'; readonly reader: StatefileReader })
  | (Opened & { readonly format: 'qevm'; readonly start: QevmStart })
  | { readonly format: 'transfer-disk'; readonly compressed: boolean };

/**
 * @param outer the source as it was opened; the caller closes it
 * @param where its name, for messages
 * @throws StubferryError NOT_A_STATE, and whatever the header of the state is refused for
 */
export async function recogniseState(outer: StateSource, where: string): Promise<OpenedState> {
  let { front, source } = await peek(outer);
  const compressed = front[0] === 0x1f && front[1] === 0x8b;
  if (compressed) ({ front, source } = await peek(new GunzipSource(source, where)));
  const magic = Buffer.from(front.subarray(0, 8)).toString('latin1');
  if (magic === STATEFILE_MAGIC) {
    const reader = await StatefileReader.open(source, where);
    return { format: 'statefile', reader, compressed, source: new StatefileSource(reader, source) };
  }
  if (hasQevmMagic(front)) return { format: 'qevm', start: recogniseQevm(front, where), compressed, source };
  if (magic === SUPERBLOCK_MAGIC) return { format: 'transfer-disk', compressed };
  throw new StubferryError('NOT_A_STATE', 'this is no statefile and no QEMU state', {
    where,
    offset: 0,
    expected: `"${STATEFILE_MAGIC}" or "QEVM" at its beginning`,
    found: front.length === 0 ? 'an empty input' : JSON.stringify(printable(magic)),
    hint: 'bytes of another kind can be moved with --opaque',
  });
}

async function peek(source: StateSource): Promise<{ front: Uint8Array; source: StateSource }> {
  const buffer = new Uint8Array(PEEK_BYTES);
  let length = 0;
  while (length < ENOUGH) {
    const count = await source.read(buffer.subarray(length));
    if (count === 0) break;
    length += count;
  }
  const front = buffer.subarray(0, length);
  return { front, source: new PeekedSource(front, source) };
}
