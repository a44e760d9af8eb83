/**
 * The header of a statefile is its first block.
 *
 *     offset  size  field
 *     0       8     magic "SFSTATE1"
 *     8       2     format version, major
 *     10      2     format version, minor
 *     16      16    transfer UUID; the seed of the checksums of all frames is derived from it
 *     32      32    name and version of the writer, UTF-8, padded with NUL
 *     4088    8     checksum, seed 0
 *
 * The whole file:
 *
 *     header | BEGIN | DATA ... DATA | END | INDEX | TRAILER
 *
 * The frames have the layout of protocol/frame.ts, as on a transfer disk. Their epoch is 0 and their position is the
 * offset in the file. The same rules therefore apply to a statefile that is read sequentially. INDEX and TRAILER are
 * for readers that can seek: the last block contains the offsets of END and INDEX.
 */

import { printable, StubferryError } from '../../base/errors/index.js';
import { BLOCK_SIZE, hasValidChecksum, viewOf, writeChecksum } from '../protocol/block.js';
import { FORMAT_MAJOR, FORMAT_MINOR } from '../protocol/superblock.js';
import { formatUuid, parseUuid, UUID_BYTES } from '../protocol/uuid.js';

/** The first 8 bytes of a statefile. */
export const STATEFILE_MAGIC = 'SFSTATE1';
const WRITER_BYTES = 32;

/** A decoded statefile header. */
export interface StatefileHeader {
  readonly transferUuid: string;
  /** The name and version of the program that wrote the file. */
  readonly writer: string;
}

/** Encodes a statefile header as a block of 4096 bytes. */
export function encodeStatefileHeader(header: StatefileHeader): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(block);
  block.set(Buffer.from(STATEFILE_MAGIC, 'latin1'), 0);
  view.setUint16(8, FORMAT_MAJOR, true);
  view.setUint16(10, FORMAT_MINOR, true);
  block.set(parseUuid(header.transferUuid), 16);
  block.set(Buffer.from(header.writer, 'utf8').subarray(0, WRITER_BYTES), 32);
  writeChecksum(block, 0n);
  return block;
}

/**
 * Decodes a statefile header.
 *
 * @throws StubferryError NOT_A_STATE: when the magic is wrong; CORRUPT: when the checksum is wrong;
 * UNSUPPORTED_VERSION: when the major version is another one
 */
export function decodeStatefileHeader(block: Uint8Array, where: string): StatefileHeader {
  const magic = Buffer.from(block.subarray(0, 8)).toString('latin1');
  if (magic !== STATEFILE_MAGIC) {
    throw new StubferryError('NOT_A_STATE', 'the input is not a statefile', {
      where,
      offset: 0,
      expected: `magic "${STATEFILE_MAGIC}"`,
      found: JSON.stringify(printable(magic)),
    });
  }
  if (!hasValidChecksum(block, 0n)) {
    throw new StubferryError('CORRUPT', 'checksum mismatch in the header of the statefile', {
      where,
      offset: 0,
      expected: 'the xxh64 in its last 8 bytes',
      found: 'a different xxh64',
    });
  }
  const view = viewOf(block);
  const major = view.getUint16(8, true);
  const bytes = Buffer.from(block.subarray(32, 32 + WRITER_BYTES));
  const end = bytes.indexOf(0);
  const writer = printable(bytes.subarray(0, end === -1 ? WRITER_BYTES : end).toString('utf8'));
  if (major !== FORMAT_MAJOR) {
    throw new StubferryError('UNSUPPORTED_VERSION', 'the statefile has an unsupported format version', {
      where,
      offset: 8,
      expected: `format ${FORMAT_MAJOR}.x`,
      found: `format ${major}.${view.getUint16(10, true)}, written by ${writer}`,
      hint: 'read it with the stubferry version that wrote it',
    });
  }
  return { transferUuid: formatUuid(block.subarray(16, 16 + UUID_BYTES)), writer };
}
