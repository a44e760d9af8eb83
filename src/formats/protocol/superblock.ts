/**
 * The superblock describes the transfer for which a disk was created. dom0 writes both copies before it attaches the
 * disk and never changes them afterwards. The stubdom agent identifies its disk by the superblock, and not by a device
 * name.
 *
 *     offset  size  field
 *     0       8     magic "STUBFERY"
 *     8       2     format version, major
 *     10      2     format version, minor
 *     12      4     block size, 4096
 *     16      8     start of the ring, in bytes
 *     24      8     length of the ring, in bytes
 *     32      16    transfer UUID
 *     48      16    UUID of the target
 *     64      4     domid of the target
 *     68      1     direction: 1 save, 2 restore
 *     72      4     maximum payload of a frame, in bytes
 *     80      8     maximum length of the whole state, in bytes
 *     88      32    name and version of the writer, UTF-8, padded with NUL
 *     4088    8     checksum, seed 0
 *
 * The magic, the version and the checksum have the same offsets in every major version. Every agent can therefore
 * distinguish another version from damage. A higher minor version has additions that a reader may ignore.
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import { BLOCK_SIZE, hasValidChecksum, readCount, viewOf, writeChecksum, writeCount } from './block.js';
import { LIMITS } from './limits.js';
import { formatUuid, parseUuid, UUID_BYTES } from './uuid.js';

/** The first 8 bytes of a superblock. */
export const SUPERBLOCK_MAGIC = 'STUBFERY';
/** The major version of the disk and statefile formats. */
export const FORMAT_MAJOR = 1;
/** The minor version of the disk and statefile formats. */
export const FORMAT_MINOR = 0;

/** The lowest start of a ring, in bytes. The superblocks, control blocks and reserved blocks precede it. */
export const RING_START = 16 * BLOCK_SIZE;

const WRITER_BYTES = 32;

/** Whether the device state leaves the stubdom (`save`) or enters it (`restore`). */
export type Direction = 'save' | 'restore';

const DIRECTIONS = { save: 1, restore: 2 } as const satisfies Record<Direction, number>;

/** A decoded superblock. Sizes are in bytes. */
export interface Superblock {
  readonly ringStart: number;
  readonly ringLength: number;
  readonly transferUuid: string;
  readonly targetUuid: string;
  readonly targetDomid: number;
  readonly direction: Direction;
  readonly maxPayload: number;
  readonly maxState: number;
  readonly writer: string;
}

/** Encodes a superblock as a block of 4096 bytes. */
export function encodeSuperblock(superblock: Superblock): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(block);
  block.set(Buffer.from(SUPERBLOCK_MAGIC, 'latin1'), 0);
  view.setUint16(8, FORMAT_MAJOR, true);
  view.setUint16(10, FORMAT_MINOR, true);
  view.setUint32(12, BLOCK_SIZE, true);
  writeCount(view, 16, superblock.ringStart);
  writeCount(view, 24, superblock.ringLength);
  block.set(parseUuid(superblock.transferUuid), 32);
  block.set(parseUuid(superblock.targetUuid), 48);
  view.setUint32(64, superblock.targetDomid, true);
  view.setUint8(68, DIRECTIONS[superblock.direction]);
  view.setUint32(72, superblock.maxPayload, true);
  writeCount(view, 80, superblock.maxState);
  block.set(Buffer.from(superblock.writer, 'utf8').subarray(0, WRITER_BYTES), 88);
  writeChecksum(block, 0n);
  return block;
}

/**
 * Decodes one copy of the superblock.
 *
 * @param where the device or file, for messages
 * @param offset of this copy on the disk in bytes, for messages
 * @param diskSize size of the disk in bytes; the ring must not exceed it
 * @throws StubferryError NOT_A_TRANSFER_DISK: when the magic is wrong; CORRUPT: when the checksum or a field is wrong;
 * UNSUPPORTED_VERSION: when the major version is another one; LIMIT_EXCEEDED: when a size is out of range
 */
export function decodeSuperblock(block: Uint8Array, where: string, offset: number, diskSize: number): Superblock {
  const magic = Buffer.from(block.subarray(0, 8)).toString('latin1');
  if (magic !== SUPERBLOCK_MAGIC) {
    throw new StubferryError('NOT_A_TRANSFER_DISK', 'the disk does not begin with a superblock', {
      where,
      offset,
      expected: `magic "${SUPERBLOCK_MAGIC}"`,
      found: JSON.stringify(printable(magic)),
    });
  }
  const damaged = (message: string, expected: string, found: string | number | undefined): StubferryError =>
    new StubferryError('CORRUPT', `${message} in the superblock`, {
      where,
      offset,
      expected,
      found: `${found ?? 'a number above 2^53'}`,
    });
  if (!hasValidChecksum(block, 0n))
    throw damaged('checksum mismatch', 'the xxh64 in its last 8 bytes', 'a different xxh64');

  const view = viewOf(block);
  const major = view.getUint16(8, true);
  if (major !== FORMAT_MAJOR) {
    throw new StubferryError('UNSUPPORTED_VERSION', 'the transfer disk has an unsupported format version', {
      where,
      offset,
      expected: `format ${FORMAT_MAJOR}.x`,
      found: `format ${major}.${view.getUint16(10, true)}, written by ${writerOf(block)}`,
      hint: 'run the same stubferry version in dom0 and in the stubdom image',
    });
  }
  const blockSize = view.getUint32(12, true);
  if (blockSize !== BLOCK_SIZE) throw damaged('invalid block size', `${BLOCK_SIZE}`, blockSize);
  const ringStart = readCount(view, 16);
  const ringLength = readCount(view, 24);
  if (ringStart === undefined || ringStart % BLOCK_SIZE !== 0 || ringStart < RING_START) {
    throw damaged('invalid ring start', `a multiple of 4096 from ${RING_START}`, ringStart);
  }
  if (ringLength === undefined || ringLength % BLOCK_SIZE !== 0 || ringStart + ringLength > diskSize) {
    throw damaged('invalid ring length', `a multiple of 4096 that fits into ${diskSize} bytes of disk`, ringLength);
  }
  const direction =
    view.getUint8(68) === DIRECTIONS.save ? 'save' : view.getUint8(68) === DIRECTIONS.restore ? 'restore' : undefined;
  if (direction === undefined) throw damaged('invalid direction', '1 (save) or 2 (restore)', view.getUint8(68));
  const superblock = {
    ringStart,
    ringLength,
    transferUuid: formatUuid(block.subarray(32, 32 + UUID_BYTES)),
    targetUuid: formatUuid(block.subarray(48, 48 + UUID_BYTES)),
    targetDomid: view.getUint32(64, true),
    direction,
    maxPayload: view.getUint32(72, true),
    maxState: readCount(view, 80) ?? Number.MAX_SAFE_INTEGER,
    writer: writerOf(block),
  } as const satisfies Superblock;
  checkLimits(superblock, where);
  return superblock;
}

function writerOf(block: Uint8Array): string {
  const bytes = Buffer.from(block.subarray(88, 88 + WRITER_BYTES));
  const end = bytes.indexOf(0);
  return printable(bytes.subarray(0, end === -1 ? WRITER_BYTES : end).toString('utf8'));
}

/**
 * Checks the sizes in a superblock, after it was read or before it is written.
 *
 * @throws StubferryError LIMIT_EXCEEDED: when a size is out of range
 */
export function checkLimits(superblock: Superblock, where: string): void {
  const check = (what: string, value: number, min: number, max: number): void => {
    if (value >= min && value <= max && Number.isSafeInteger(value)) return;
    throw new StubferryError('LIMIT_EXCEEDED', `${what} is outside of its limits`, {
      where,
      expected: `${min} to ${max} bytes`,
      found: `${value} bytes`,
    });
  };
  check('the largest payload of a frame', superblock.maxPayload, LIMITS.payload.min, LIMITS.payload.max);
  const twoFrames = 2 * (BLOCK_SIZE + superblock.maxPayload);
  check('the ring', superblock.ringLength, Math.max(LIMITS.ring.min, twoFrames), LIMITS.ring.max);
  check('the largest state', superblock.maxState, LIMITS.state.min, LIMITS.state.max);
}
