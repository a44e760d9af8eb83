/**
 * A frame is one record with its bulk data. The ring of a transfer disk and a statefile consist of frames.
 *
 *     +------------------------------+-----------------------------------------+
 *     | header block, 4096 bytes     | payload, padded with zeros to 4096      |
 *     +------------------------------+-----------------------------------------+
 *
 *     offset  size  field of the header block
 *     0       4     magic "SFRM"
 *     4       2     type
 *     6       2     flags; bit 0: optional
 *     8       4     length of the record, in bytes
 *     12      4     length of the payload without its padding, in bytes
 *     16      8     sequence, starting at 0
 *     24      8     epoch of the sender; 0 in a statefile
 *     32      8     position: on the ring, a number that grows over all laps; in a statefile, the offset in the file
 *     40      8     stream offset: the offset of the payload in the state
 *     48      4     length of the frame: header, payload and padding; for a padding frame, the rest of the lap
 *     56      8     chain before this frame
 *     64      8     chain after this frame: xxh64 of the padded payload, seeded with the chain before it; equal to the
 *                   chain before it when there is no payload
 *     72      n     record, protobuf (proto/records.proto)
 *     4088    8     checksum; its seed is derived from the transfer UUID
 *
 * The reasons for this layout:
 *
 * - Bulk data stays out of protobuf. The sender reads it from QEMU directly into its final location after the header,
 *   hashes it there, and writes it with one aligned write.
 * - The checksum covers the position and the epoch. A reader therefore never accepts a frame of an earlier lap, of an
 *   earlier agent, of an earlier transfer or of another position on the disk as the expected frame.
 * - The chain ties each payload to all payloads before it. Only DATA frames advance it. Records that a reader does not
 *   know, or that only one medium has, can therefore be added or removed without breaking it.
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

/** The maximum length of a record, in bytes. */
export const RECORD_ROOM = BLOCK_ROOM - RECORD_OFFSET;

/** The frame types of this version. Only statefiles have `index` and `trailer`, and only rings have `padding`. */
export const FRAME_TYPES = { begin: 1, data: 2, end: 3, padding: 4, index: 5, trailer: 6 } as const;

/** The name of a frame type. */
export type FrameType = keyof typeof FRAME_TYPES;

const typeOf = new Map<number, FrameType>(
  Object.entries(FRAME_TYPES).map(([name, number]) => [number, name as FrameType]),
);

const FLAG_OPTIONAL = 1;

/** A decoded frame header. Lengths, positions and offsets are in bytes. */
export interface FrameHeader {
  /** Undefined for an unknown type. A reader skips the frame when it is `optional` and rejects it otherwise. */
  readonly type: FrameType | undefined;
  /** The type as a number, as it is on the medium. */
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
  /** A copy of the record. */
  readonly record: Uint8Array;
}

/** The fields of a frame header to encode. Lengths, positions and offsets are in bytes. */
export interface FrameFields {
  readonly type: FrameType;
  readonly optional?: boolean;
  readonly payloadLength?: number;
  readonly sequence: number;
  readonly epoch: bigint;
  readonly position: number;
  readonly streamOffset: number;
  /** Only for padding. The default is the length of the header and the padded payload. */
  readonly frameLength?: number;
  readonly chainBefore: bigint;
  readonly chainAfter: bigint;
  readonly record?: Uint8Array;
}

/** Returns the length of a frame with so many bytes of payload on the medium, in bytes. */
export function frameLengthFor(payloadLength: number): number {
  return BLOCK_SIZE + padded(payloadLength);
}

/**
 * Computes the chain after a frame.
 *
 * @param paddedPayload the payload with its padding: whole blocks, or empty
 */
export function chainOver(paddedPayload: Uint8Array, chainBefore: bigint): bigint {
  return paddedPayload.length === 0 ? chainBefore : xxh64(paddedPayload, chainBefore);
}

/**
 * Encodes a frame header into `block` (4096 bytes), whose previous content does not matter.
 *
 * @throws RangeError when the record does not fit
 */
export function encodeFrameHeader(block: Uint8Array, fields: FrameFields, seed: bigint): void {
  const record = fields.record ?? new Uint8Array(0);
  const payloadLength = fields.payloadLength ?? 0;
  if (record.length > RECORD_ROOM)
    throw new RangeError(`a record of ${record.length} bytes exceeds ${RECORD_ROOM} bytes`);
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

/** DATA must have a payload. An INDEX may have one. The other known types must have none. */
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

/** Why a block is not a valid frame header: no magic, a wrong checksum, or lengths that contradict each other. */
export type NoFrame = 'no-magic' | 'bad-checksum' | 'bad-length';

/** Decodes a header block, or returns why it is not a valid frame header. */
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
