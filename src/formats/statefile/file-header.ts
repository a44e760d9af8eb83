/**
 * The first block of a statefile.
 *
 *     0    8  magic "SFSTATE1"
 *     8    2  format major       10  2  format minor
 *     16  16  transfer UUID: seeds the checksums of all frames that follow
 *     32  32  who wrote it, UTF-8, padded with NUL
 *     4088 8  checksum, seed 0
 *
 * The whole file:
 *
 *     header | BEGIN | DATA ... DATA | END | INDEX | TRAILER
 *
 * The frames are those of the transfer disk (codec/frame.ts) with epoch 0 and the offset in the file as position, so a
 * statefile is checked by the same rules while it streams. INDEX and TRAILER are for readers that can seek: the last
 * block says where END and INDEX are.
 */

import { printable, StubferryError } from '../../base/errors/index.js';
import { BLOCK_SIZE, hasValidChecksum, viewOf, writeChecksum } from '../protocol/block.js';
import { FORMAT_MAJOR, FORMAT_MINOR } from '../protocol/superblock.js';
import { formatUuid, parseUuid, UUID_BYTES } from '../protocol/uuid.js';

export const STATEFILE_MAGIC = 'SFSTATE1';
const WRITER_BYTES = 32;

export interface StatefileHeader {
  readonly transferUuid: string;
  readonly writer: string;
}

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

/** @throws StubferryError NOT_A_STATE, CORRUPT, UNSUPPORTED_VERSION */
export function decodeStatefileHeader(block: Uint8Array, where: string): StatefileHeader {
  const magic = Buffer.from(block.subarray(0, 8)).toString('latin1');
  if (magic !== STATEFILE_MAGIC) {
    throw new StubferryError('NOT_A_STATE', 'this is no statefile', {
      where,
      offset: 0,
      expected: `magic "${STATEFILE_MAGIC}"`,
      found: JSON.stringify(printable(magic)),
    });
  }
  if (!hasValidChecksum(block, 0n)) {
    throw new StubferryError('CORRUPT', 'the header of the statefile is damaged', {
      where,
      offset: 0,
      expected: 'the xxh64 in its last 8 bytes',
      found: 'another one',
    });
  }
  const view = viewOf(block);
  const major = view.getUint16(8, true);
  const bytes = Buffer.from(block.subarray(32, 32 + WRITER_BYTES));
  const end = bytes.indexOf(0);
  const writer = printable(bytes.subarray(0, end === -1 ? WRITER_BYTES : end).toString('utf8'));
  if (major !== FORMAT_MAJOR) {
    throw new StubferryError('UNSUPPORTED_VERSION', 'the statefile has another format version', {
      where,
      offset: 8,
      expected: `format ${FORMAT_MAJOR}.x`,
      found: `format ${major}.${view.getUint16(10, true)}, written by ${writer}`,
      hint: 'read it with the stubferry version that wrote it',
    });
  }
  return { transferUuid: formatUuid(block.subarray(16, 16 + UUID_BYTES)), writer };
}
