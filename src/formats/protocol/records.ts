/**
 * Encodes and decodes the protobuf records. The schema is proto/records.proto. The decoders reject a record unless its
 * numbers are safe integers, its digests have the right length, and its text is bounded and printable.
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import { viewOf } from './block.js';
import { stubferry as schema } from './generated/records.js';
import { LIMITS } from './limits.js';
import { formatUuid, NIL_UUID, parseUuid, UUID_BYTES } from './uuid.js';

/** The kind of a state: QEMU's device state alone, a whole migration stream with RAM, or bytes that were not parsed. */
export type StateKind = 'device-state' | 'migration-stream' | 'opaque';

const KINDS = {
  'device-state': schema.Begin.Kind.KIND_DEVICE_STATE,
  'migration-stream': schema.Begin.Kind.KIND_MIGRATION_STREAM,
  opaque: schema.Begin.Kind.KIND_OPAQUE,
} as const satisfies Record<StateKind, number>;

const kindOf = new Map<number, StateKind>(Object.entries(KINDS).map(([name, number]) => [number, name as StateKind]));

/** The first record. It describes the state that follows. Unknown texts are empty. */
export interface BeginRecord {
  readonly kind: StateKind;
  readonly targetUuid: string;
  readonly targetDomid: number;
  readonly qemuVersion: string;
  readonly machineType: string;
  readonly stubferryVersion: string;
  /** Milliseconds since 1970, UTC. */
  readonly createdMs: number;
  /** Whether END contains the digests of the whole state. The chain over all frames always exists. */
  readonly sha256: boolean;
}

/** The digests of a whole state. */
export interface StateDigests {
  /** 8 bytes in the order in which xxh64sum prints them. */
  readonly xxh64: Uint8Array;
  /** 32 bytes in the order in which sha256sum prints them. */
  readonly sha256: Uint8Array;
}

/** The record after the last data. It contains what the sender computed over the whole state. */
export interface EndRecord {
  readonly stateBytes: number;
  readonly dataFrames: number;
  readonly chain: bigint;
  /** Present when `sha256` is set in BEGIN. */
  readonly digests: StateDigests | undefined;
}

/** The record in the last block of a statefile. Offsets and lengths are in bytes. */
export interface TrailerRecord {
  readonly endOffset: number;
  readonly indexOffset: number;
  readonly fileBytes: number;
}

type Message = 'BEGIN' | 'END' | 'INDEX' | 'TRAILER';

function refuse(record: Message, field: string, expected: string, found: string, cause?: unknown): never {
  throw new StubferryError('CORRUPT', `${record} record: ${field} is not valid`, { expected, found, cause });
}

function decoded<T>(record: Message, decode: (bytes: Uint8Array) => T, bytes: Uint8Array): T {
  try {
    return decode(bytes);
  } catch (cause) {
    return refuse(record, 'the protobuf message', 'the fields of proto/records.proto', String(cause), cause);
  }
}

function text(record: Message, field: string, value: string): string {
  if (value.length > LIMITS.text) refuse(record, field, `at most ${LIMITS.text} characters`, `${value.length}`);
  const safe = printable(value);
  if (safe !== value) refuse(record, field, 'printable characters only', safe);
  return value;
}

/** protobufjs decodes a u64 as a Long, or as a number when the `long` package is missing. */
function count(record: Message, field: string, value: { toString(): string }): number {
  const number = Number(value.toString());
  if (!Number.isSafeInteger(number)) refuse(record, field, 'a number below 2^53', value.toString());
  return number;
}

function fixed(record: Message, field: string, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) refuse(record, field, `${length} bytes`, `${bytes.length} bytes`);
  return Uint8Array.from(bytes);
}

function u64Bytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, value);
  return bytes;
}

/** Makes a text acceptable for {@link decodeBegin}: first printable, then truncated. */
function storable(value: string): string {
  return printable(value, LIMITS.text).slice(0, LIMITS.text);
}

/** Encodes BEGIN. Texts are made printable and truncated to their limit. */
export function encodeBegin(begin: BeginRecord): Uint8Array {
  return schema.Begin.encode({
    kind: KINDS[begin.kind],
    targetUuid: begin.targetUuid === NIL_UUID ? new Uint8Array(0) : parseUuid(begin.targetUuid),
    targetDomid: begin.targetDomid,
    qemuVersion: storable(begin.qemuVersion),
    machineType: storable(begin.machineType),
    stubferryVersion: storable(begin.stubferryVersion),
    createdMs: begin.createdMs,
    sha256: begin.sha256,
  }).finish();
}

/** Decodes BEGIN. @throws StubferryError CORRUPT: when a field is not valid */
export function decodeBegin(bytes: Uint8Array): BeginRecord {
  const message = decoded('BEGIN', (input) => schema.Begin.decode(input), bytes);
  const uuid = message.targetUuid;
  return {
    kind: kindOf.get(message.kind) ?? refuse('BEGIN', 'kind', 'a kind of proto/records.proto', `${message.kind}`),
    targetUuid: uuid.length === 0 ? NIL_UUID : formatUuid(fixed('BEGIN', 'target_uuid', uuid, UUID_BYTES)),
    targetDomid: message.targetDomid,
    qemuVersion: text('BEGIN', 'qemu_version', message.qemuVersion),
    machineType: text('BEGIN', 'machine_type', message.machineType),
    stubferryVersion: text('BEGIN', 'stubferry_version', message.stubferryVersion),
    createdMs: count('BEGIN', 'created_ms', message.createdMs),
    sha256: message.sha256,
  };
}

/** Encodes END. */
export function encodeEnd(end: EndRecord): Uint8Array {
  return schema.End.encode({
    stateBytes: end.stateBytes,
    dataFrames: end.dataFrames,
    chain: u64Bytes(end.chain),
    ...(end.digests === undefined ? {} : { xxh64: end.digests.xxh64, sha256: end.digests.sha256 }),
  }).finish();
}

/**
 * Decodes END.
 *
 * @param sha256 whether END must contain the digests, as declared in BEGIN
 * @throws StubferryError CORRUPT: when a field is not valid
 */
export function decodeEnd(bytes: Uint8Array, sha256: boolean): EndRecord {
  const message = decoded('END', (input) => schema.End.decode(input), bytes);
  return {
    stateBytes: count('END', 'state_bytes', message.stateBytes),
    dataFrames: count('END', 'data_frames', message.dataFrames),
    chain: viewOf(fixed('END', 'chain', message.chain, 8)).getBigUint64(0),
    digests: sha256
      ? { xxh64: fixed('END', 'xxh64', message.xxh64, 8), sha256: fixed('END', 'sha256', message.sha256, 32) }
      : undefined,
  };
}

/** Encodes INDEX. @param entries the number of entries in the payload */
export function encodeIndex(entries: number): Uint8Array {
  return schema.Index.encode({ entries }).finish();
}

/** Decodes INDEX and returns the number of entries. @throws StubferryError CORRUPT: when it exceeds the limit */
export function decodeIndex(bytes: Uint8Array): number {
  const { entries } = decoded('INDEX', (input) => schema.Index.decode(input), bytes);
  if (entries > LIMITS.indexEntries) refuse('INDEX', 'entries', `at most ${LIMITS.indexEntries}`, `${entries}`);
  return entries;
}

/** Encodes TRAILER. */
export function encodeTrailer(trailer: TrailerRecord): Uint8Array {
  return schema.Trailer.encode(trailer).finish();
}

/** Decodes TRAILER. @throws StubferryError CORRUPT: when a field is not valid */
export function decodeTrailer(bytes: Uint8Array): TrailerRecord {
  const message = decoded('TRAILER', (input) => schema.Trailer.decode(input), bytes);
  return {
    endOffset: count('TRAILER', 'end_offset', message.endOffset),
    indexOffset: count('TRAILER', 'index_offset', message.indexOffset),
    fileBytes: count('TRAILER', 'file_bytes', message.fileBytes),
  };
}
