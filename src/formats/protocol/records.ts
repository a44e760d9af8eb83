/**
 * The records as the rest of the program sees them: numbers are safe integers, digests have their length, text is
 * bounded and printable, or the record is refused. Schema: proto/records.proto.
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import { viewOf } from './block.js';
import { stubferry as schema } from './generated/records.js';
import { LIMITS } from './limits.js';
import { formatUuid, NIL_UUID, parseUuid, UUID_BYTES } from './uuid.js';

/** What kind of state it is: QEMU's devices alone, a whole migration with RAM, or bytes that nobody looked into. */
export type StateKind = 'device-state' | 'migration-stream' | 'opaque';

const KINDS = {
  'device-state': schema.Begin.Kind.KIND_DEVICE_STATE,
  'migration-stream': schema.Begin.Kind.KIND_MIGRATION_STREAM,
  opaque: schema.Begin.Kind.KIND_OPAQUE,
} as const satisfies Record<StateKind, number>;

const kindOf = new Map<number, StateKind>(Object.entries(KINDS).map(([name, number]) => [number, name as StateKind]));

/** The first record: what is coming. Text that is not known is empty. */
export interface BeginRecord {
  readonly kind: StateKind;
  readonly targetUuid: string;
  readonly targetDomid: number;
  readonly qemuVersion: string;
  readonly machineType: string;
  readonly stubferryVersion: string;
  /** Milliseconds since 1970, UTC. */
  readonly createdMs: number;
  /** Whether END carries the digests of the whole state; the chain over all frames is always there. */
  readonly sha256: boolean;
}

/** Digests of a whole state. */
export interface StateDigests {
  /** 8 bytes, as xxh64sum prints them. */
  readonly xxh64: Uint8Array;
  /** 32 bytes. */
  readonly sha256: Uint8Array;
}

/** The record after the last data. */
export interface EndRecord {
  readonly stateBytes: number;
  readonly dataFrames: number;
  readonly chain: bigint;
  /** Present when BEGIN said `sha256`. */
  readonly digests: StateDigests | undefined;
}

/** The last block of a statefile. Offsets in bytes. */
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

/** protobufjs decodes a u64 as a Long, or as a number where the `long` package is missing. */
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

/** Text as {@link decodeBegin} takes it: made printable first, and cut then. */
function storable(value: string): string {
  return printable(value, LIMITS.text).slice(0, LIMITS.text);
}

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

/** @throws StubferryError CORRUPT */
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

export function encodeEnd(end: EndRecord): Uint8Array {
  return schema.End.encode({
    stateBytes: end.stateBytes,
    dataFrames: end.dataFrames,
    chain: u64Bytes(end.chain),
    ...(end.digests === undefined ? {} : { xxh64: end.digests.xxh64, sha256: end.digests.sha256 }),
  }).finish();
}

/** @param sha256 what BEGIN said of the digests. @throws StubferryError CORRUPT */
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

export function encodeIndex(entries: number): Uint8Array {
  return schema.Index.encode({ entries }).finish();
}

/** The number of entries, within its limit. @throws StubferryError CORRUPT */
export function decodeIndex(bytes: Uint8Array): number {
  const { entries } = decoded('INDEX', (input) => schema.Index.decode(input), bytes);
  if (entries > LIMITS.indexEntries) refuse('INDEX', 'entries', `at most ${LIMITS.indexEntries}`, `${entries}`);
  return entries;
}

export function encodeTrailer(trailer: TrailerRecord): Uint8Array {
  return schema.Trailer.encode(trailer).finish();
}

/** @throws StubferryError CORRUPT */
export function decodeTrailer(bytes: Uint8Array): TrailerRecord {
  const message = decoded('TRAILER', (input) => schema.Trailer.decode(input), bytes);
  return {
    endOffset: count('TRAILER', 'end_offset', message.endOffset),
    indexOffset: count('TRAILER', 'index_offset', message.indexOffset),
    fileBytes: count('TRAILER', 'file_bytes', message.fileBytes),
  };
}
