/**
 * The frame: one record and its bulk bytes, on the ring of a transfer disk and at rest in a statefile.
 *
 *     +------------------------------+-----------------------------------------+
 *     | header block, 4096           | payload, padded with zeros to 4096      |
 *     +------------------------------+-----------------------------------------+
 *
 *     0    4  magic "SFRM"
 *     4    2  type           6  2  flags: bit 0 optional
 *     8    4  record length  12 4  payload length, without its padding
 *     16   8  sequence, from 0
 *     24   8  epoch of the sender; 0 at rest
 *     32   8  position: on the ring, monotone over all laps; at rest, the offset in the file
 *     40   8  stream offset: where in the state the payload belongs
 *     48   4  frame length: header, payload and padding; of a padding frame, all up to the end of the lap
 *     56   8  chain before this frame
 *     64   8  xxh64 of the padded payload, seeded with the chain before; the same as that for no payload
 *     72   n  the record, protobuf (proto/records.proto)
 *     4088 8  checksum, seed: the transfer's UUID
 *
 * Why so: bulk bytes stay out of protobuf, are read from QEMU straight into their place behind the header, hashed
 * there and written with one aligned write. The position and the epoch under the checksum are what makes a frame of an
 * earlier lap, of an earlier agent, of an earlier transfer, or of another place on the disk, never pass for the
 * expected one. The chain ties each payload to all before it. Only DATA moves it on: a record that a reader does not know,
 * or that only one medium has, can come and go without breaking it.
 */
import {
  BLOCK_ROOM,
  BLOCK_SIZE,
  hasValidChecksum,
  padded,
  readCount,
  viewOf,
  writeChecksum,
  writeCount,
} from './block.js';
import { xxh64 } from './xxh64.js';

/** "SFRM", little-endian. */
const MAGIC = 0x4d524653;
const RECORD_OFFSET = 72;

/** Most bytes of a record. */
export const RECORD_ROOM = BLOCK_ROOM - RECORD_OFFSET;

/** The types of this version. `index` and `trailer` are for statefiles, `padding` is for rings. */
export const FRAME_TYPES = { begin: 1, data: 2, end: 3, padding: 4, index: 5, trailer: 6 } as const;

export type FrameType = keyof typeof FRAME_TYPES;

const typeOf = new Map<number, FrameType>(
  Object.entries(FRAME_TYPES).map(([name, number]) => [number, name as FrameType]),
);

const FLAG_OPTIONAL = 1;

/** What a header says. Lengths, positions and offsets in bytes. */
export interface FrameHeader {
  /** undefined for a type that this version does not know: skip it when `optional`, else refuse. */
  readonly type: FrameType | undefined;
  /** The number of the type on the medium. */
  readonly typeNumber: number;
  readonly optional: boolean;
  readonly payloadLength: number;
  readonly sequence: number;
  readonly epoch: bigint;
  readonly position: number;
  readonly streamOffset: number;
  readonly frameLength: number;
  readonly chainBefore: bigint;
  readonly chainAfter: bigint;
  /** A copy. */
  readonly record: Uint8Array;
}

/** What {@link encodeFrameHeader} needs. */
export interface FrameFields {
  readonly type: FrameType;
  readonly optional?: boolean;
  readonly payloadLength?: number;
  readonly sequence: number;
  readonly epoch: bigint;
  readonly position: number;
  readonly streamOffset: number;
  /** Only for padding: else header and padded payload. */
  readonly frameLength?: number;
  readonly chainBefore: bigint;
  readonly chainAfter: bigint;
  readonly record?: Uint8Array;
}

/** Bytes that a frame with so much payload takes on the medium. */
export function frameLengthFor(payloadLength: number): number {
  return BLOCK_SIZE + padded(payloadLength);
}

/** The chain after a frame. @param paddedPayload the payload with its padding, whole blocks or nothing */
export function chainOver(paddedPayload: Uint8Array, chainBefore: bigint): bigint {
  return paddedPayload.length === 0 ? chainBefore : xxh64(paddedPayload, chainBefore);
}

/** Encodes into `block` (4096 bytes, any content). @throws RangeError for a record that does not fit */
export function encodeFrameHeader(block: Uint8Array, fields: FrameFields, seed: bigint): void {
  const record = fields.record ?? new Uint8Array(0);
  const payloadLength = fields.payloadLength ?? 0;
  if (record.length > RECORD_ROOM)
    throw new RangeError(`a record of ${record.length} bytes is more than ${RECORD_ROOM}`);
  block.fill(0);
  const view = viewOf(block);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, FRAME_TYPES[fields.type], true);
  view.setUint16(6, fields.optional === true ? FLAG_OPTIONAL : 0, true);
  view.setUint32(8, record.length, true);
  view.setUint32(12, payloadLength, true);
  writeCount(view, 16, fields.sequence);
  view.setBigUint64(24, fields.epoch, true);
  writeCount(view, 32, fields.position);
  writeCount(view, 40, fields.streamOffset);
  view.setUint32(48, fields.frameLength ?? frameLengthFor(payloadLength), true);
  view.setBigUint64(56, fields.chainBefore, true);
  view.setBigUint64(64, fields.chainAfter, true);
  block.set(record, RECORD_OFFSET);
  writeChecksum(block, seed);
}

/** DATA is its payload, so it has some; an INDEX may be empty; the others are their record alone. */
function mayHavePayload(type: FrameType | undefined, length: number): boolean {
  switch (type) {
    case 'data':
      return length > 0;
    case 'begin':
    case 'end':
    case 'padding':
    case 'trailer':
      return length === 0;
    default:
      return true;
  }
}

/** Why a block is no frame header: another thing, or one whose checksum is wrong. */
export type NoFrame = 'no-magic' | 'bad-checksum' | 'bad-length';

/** Reads a header block, or says why it is none. A header with a valid checksum whose lengths contradict each other is `bad-length`. */
export function decodeFrameHeader(block: Uint8Array, seed: bigint): FrameHeader | NoFrame {
  const view = viewOf(block);
  if (view.getUint32(0, true) !== MAGIC) return 'no-magic';
  if (!hasValidChecksum(block, seed)) return 'bad-checksum';
  const typeNumber = view.getUint16(4, true);
  const type = typeOf.get(typeNumber);
  const recordLength = view.getUint32(8, true);
  const payloadLength = view.getUint32(12, true);
  const frameLength = view.getUint32(48, true);
  const sequence = readCount(view, 16);
  const position = readCount(view, 32);
  const streamOffset = readCount(view, 40);
  if (sequence === undefined || position === undefined || streamOffset === undefined) return 'bad-length';
  if (recordLength > RECORD_ROOM) return 'bad-length';
  if (!mayHavePayload(type, payloadLength)) return 'bad-length';
  const lengthsAgree =
    type === 'padding'
      ? frameLength >= BLOCK_SIZE && frameLength % BLOCK_SIZE === 0
      : frameLength === frameLengthFor(payloadLength);
  if (!lengthsAgree) return 'bad-length';
  return {
    type,
    typeNumber,
    optional: (view.getUint16(6, true) & FLAG_OPTIONAL) !== 0,
    payloadLength,
    sequence,
    epoch: view.getBigUint64(24, true),
    position,
    streamOffset,
    frameLength,
    chainBefore: view.getBigUint64(56, true),
    chainAfter: view.getBigUint64(64, true),
    record: Uint8Array.from(block.subarray(RECORD_OFFSET, RECORD_OFFSET + recordLength)),
  };
}
