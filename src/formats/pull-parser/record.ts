/**
 * The frame that libxl and libxc put around every record.
 *
 *     0   4  type, bit 31 set: a reader that does not know it may ignore it
 *     4   4  length of the body
 *     8      body
 *            zeros to a multiple of 8
 */
import { type ByteOrder, isLittle, viewOf } from './byte-order.js';
import type { Cursor, PullParser } from './pull-parser.js';

export const RECORD_HEADER_BYTES = 8;
const ALIGNMENT = 8;
const OPTIONAL = 0x8000_0000;

export interface RecordHeader {
  readonly type: number;
  /** Of the body, bytes. */
  readonly length: number;
  /** Where the header stands. */
  readonly offset: number;
  /** Whether a reader that does not know the type may ignore the record. */
  readonly optional: boolean;
}

/** The names of records by number. */
export function namesOf<Name extends string>(types: Readonly<Record<Name, number>>): ReadonlyMap<number, Name> {
  return new Map(Object.entries(types).map(([name, type]) => [type as number, name as Name]));
}

/** A summary while its stream is walked; its records are counted by name. */
export type Draft<Summary extends { readonly records: object }> = {
  -readonly [Key in keyof Summary]: Summary[Key];
} & { readonly records: { -readonly [Name in keyof Summary['records']]: Summary['records'][Name] } };

/** Zeros behind a body of that length. */
export function paddingAfter(length: number): number {
  return (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
}

export function encodeRecordHeader(type: number, length: number, order: ByteOrder): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, type, isLittle(order));
  view.setUint32(4, length, isLittle(order));
  return bytes;
}

/** @param format whose record it is, for messages. @throws StubferryError TRUNCATED */
export function* takeRecordHeader(cursor: Cursor, order: ByteOrder, format: string): PullParser<RecordHeader> {
  const { offset } = cursor;
  const view = viewOf(yield* cursor.take(RECORD_HEADER_BYTES, `the header of a ${format} record`));
  const type = view.getUint32(0, isLittle(order));
  return { type, length: view.getUint32(4, isLittle(order)), offset, optional: type >= OPTIONAL };
}

/** Takes what pads a body of `length` bytes. @throws StubferryError TRUNCATED, CORRUPT when it is not zero */
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
