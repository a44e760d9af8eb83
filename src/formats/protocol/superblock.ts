/**
 * The superblock: what a transfer disk is for. dom0 writes both copies before the disk is attached, and never
 * again; the stubdom's agent recognises its disk by it, not by a device name.
 *
 *     0    8  magic "STUBFERY"
 *     8    2  format major       10  2  format minor
 *     12   4  block size, 4096
 *     16   8  ring start, bytes  24  8  ring length, bytes
 *     32  16  transfer UUID
 *     48  16  target's UUID
 *     64   4  target's domid     68  1  direction: 1 save, 2 restore
 *     72   4  most payload bytes in a frame
 *     80   8  most bytes in the whole state
 *     88  32  who wrote it, UTF-8, padded with NUL
 *     4088 8  checksum, seed 0
 *
 * In every version, whatever its major number, the magic, the version and the checksum stay where they are: so any
 * agent can tell "another version" from "damaged". A newer minor number means additions that may be ignored.
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import { BLOCK_SIZE, hasValidChecksum, readCount, viewOf, writeChecksum, writeCount } from './block.js';
import { LIMITS } from './limits.js';
import { formatUuid, parseUuid, UUID_BYTES } from './uuid.js';

export const SUPERBLOCK_MAGIC = 'STUBFERY';
export const FORMAT_MAJOR = 1;
export const FORMAT_MINOR = 0;

/** The first byte that a ring may take: before it are superblocks, control blocks and what is reserved. */
export const RING_START = 16 * BLOCK_SIZE;

const WRITER_BYTES = 32;

/** Whether the device state leaves the stubdom (`save`) or enters it (`restore`). */
export type Direction = 'save' | 'restore';

const DIRECTIONS = { save: 1, restore: 2 } as const satisfies Record<Direction, number>;

/** What a superblock says. Sizes in bytes. */
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

/** The superblock as a block. */
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
 * Reads one copy.
 *
 * @param where device or file, for messages
 * @param offset of this copy on the disk, bytes, for messages
 * @param diskSize bytes; the ring must lie within
 * @throws StubferryError NOT_A_TRANSFER_DISK, UNSUPPORTED_VERSION, CORRUPT, LIMIT_EXCEEDED
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
    new StubferryError('CORRUPT', `superblock: ${message}`, {
      where,
      offset,
      expected,
      found: `${found ?? 'a number above 2^53'}`,
    });
  if (!hasValidChecksum(block, 0n))
    throw damaged('checksum does not match', 'the xxh64 in its last 8 bytes', 'another one');

  const view = viewOf(block);
  const major = view.getUint16(8, true);
  if (major !== FORMAT_MAJOR) {
    throw new StubferryError('UNSUPPORTED_VERSION', 'the transfer disk has another format version', {
      where,
      offset,
      expected: `format ${FORMAT_MAJOR}.x`,
      found: `format ${major}.${view.getUint16(10, true)}, written by ${writerOf(block)}`,
      hint: 'run the same stubferry version in dom0 and in the stubdom image',
    });
  }
  const blockSize = view.getUint32(12, true);
  if (blockSize !== BLOCK_SIZE) throw damaged('block size', `${BLOCK_SIZE}`, blockSize);
  const ringStart = readCount(view, 16);
  const ringLength = readCount(view, 24);
  if (ringStart === undefined || ringStart % BLOCK_SIZE !== 0 || ringStart < RING_START) {
    throw damaged('ring start', `a multiple of 4096 from ${RING_START}`, ringStart);
  }
  if (ringLength === undefined || ringLength % BLOCK_SIZE !== 0 || ringStart + ringLength > diskSize) {
    throw damaged('ring length', `a multiple of 4096 that fits into ${diskSize} bytes of disk`, ringLength);
  }
  const direction =
    view.getUint8(68) === DIRECTIONS.save ? 'save' : view.getUint8(68) === DIRECTIONS.restore ? 'restore' : undefined;
  if (direction === undefined) throw damaged('direction', '1 (save) or 2 (restore)', view.getUint8(68));
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
 * Checks the sizes of a superblock, one that was read or one that is to be written.
 * @throws StubferryError LIMIT_EXCEEDED
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
