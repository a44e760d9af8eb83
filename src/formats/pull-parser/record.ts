/**
 * The record layout that the libxl and libxc streams share. Sources: docs/specs/libxl-migration-stream.pandoc and
 * docs/specs/libxc-migration-stream.pandoc of Xen.
 *
 *     offset  size  field
 *     0       4     type; bit 31 marks a record that a reader may ignore if it does not know the type
 *     4       4     length of the body, in bytes
 *     8             body, padded with zeros to a multiple of 8 bytes
 */
import { type ByteOrder, isLittle, viewOf } from './byte-order.js';
import type { Cursor, PullParser } from './pull-parser.js';

/** The length of a record header, in bytes. */
export const RECORD_HEADER_BYTES = 8;
const ALIGNMENT = 8;
const OPTIONAL = 0x8000_0000;

/** A decoded record header. */
export interface RecordHeader {
  readonly type: number;
  /** The length of the body, in bytes. */
  readonly length: number;
  /** The offset of the header in the input. */
  readonly offset: number;
  /** Whether a reader that does not know the type may ignore the record. */
  readonly optional: boolean;
}

/** Inverts a table of record types: the result maps each number to its name. */
export function namesOf<Name extends string>(types: Readonly<Record<Name, number>>): ReadonlyMap<number, Name> {
  return new Map(Object.entries(types).map(([name, type]) => [type as number, name as Name]));
}

/** A summary that a parser still changes. It counts the records by name. */
export type Draft<Summary extends { readonly records: object }> = {
  -readonly [Key in keyof Summary]: Summary[Key];
} & { readonly records: { -readonly [Name in keyof Summary['records']]: Summary['records'][Name] } };

/** Returns the number of padding bytes after a body of `length` bytes. */
export function paddingAfter(length: number): number {
  return (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
}

/** Encodes a record header. */
export function encodeRecordHeader(type: number, length: number, order: ByteOrder): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, type, isLittle(order));
  view.setUint32(4, length, isLittle(order));
  return bytes;
}

/**
 * Reads a record header.
 *
 * @param format the name of the stream format, for messages
 * @throws StubferryError TRUNCATED: when the input ends within the header
 */
export function* takeRecordHeader(cursor: Cursor, order: ByteOrder, format: string): PullParser<RecordHeader> {
  const { offset } = cursor;
  const view = viewOf(yield* cursor.take(RECORD_HEADER_BYTES, `the header of a ${format} record`));
  const type = view.getUint32(0, isLittle(order));
  return { type, length: view.getUint32(4, isLittle(order)), offset, optional: type >= OPTIONAL };
}

/**
 * Reads the padding after a body of `length` bytes.
 *
 * @throws StubferryError TRUNCATED: when the input ends within the padding; CORRUPT: when a byte is not zero
 */
export function* takePadding(cursor: Cursor, length: number, what: string): PullParser<void> {
  const count = paddingAfter(length);
  if (count === 0) return;
  const { offset } = cursor;
  const padding = yield* cursor.take(count, `the padding of ${what}`);
  const first = padding.findIndex((byte) => byte !== 0);
  if (first === -1) return;
  throw cursor.error('CORRUPT', `the padding of ${what} is not zero`, {
    offset: offset + first,
    expected: `${count} zeros`,
    found: `0x${(padding[first] ?? 0).toString(16).padStart(2, '0')}`,
  });
}
