/** Parses the bodies of all records except PAGE_DATA. It checks them against their rules and for contradictions. */
import {
  type ByteOrder,
  type Cursor,
  isLittle,
  type PullParser,
  type RecordHeader,
  viewOf,
} from '../../pull-parser/index.js';
import { type Guest, PAGE_BYTES, reservedBits } from './headers.js';
import { RECORD_RULES, type RecordRule } from './record-rules.js';
import type { LibxcType } from './record-types.js';

/** The number of bytes at the start of a body that the checks need. */
const HEAD_BYTES = 24;

/** The properties of the stream so far with which a body has to agree. */
export interface StreamSoFar {
  readonly version: number;
  readonly byteOrder: ByteOrder;
  readonly guest: Guest;
  /** The length of a machine word of the guest in bytes, from the X86_PV_INFO record. */
  readonly guestWidth: number | undefined;
}

/** The values of a body with which later bodies have to agree. */
export interface BodyFound {
  readonly guestWidth?: number;
}

/**
 * Parses one body.
 *
 * @throws StubferryError TRUNCATED: when the input ends within it; CORRUPT: when it is not valid
 */
export function* parseBody(
  cursor: Cursor,
  record: RecordHeader,
  name: Exclude<LibxcType, 'PAGE_DATA'>,
  stream: StreamSoFar,
): PullParser<BodyFound> {
  const rule: RecordRule = RECORD_RULES[name];
  checkAllowed(cursor, record, name, rule, stream);
  checkLength(cursor, record, name, rule);
  const { offset } = cursor;
  const head = yield* cursor.take(Math.min(record.length, HEAD_BYTES), `the body of a ${name} record`);
  const [from, count] = rule.reserved ?? [0, 0];
  if (head.subarray(from, from + count).some((byte) => byte !== 0))
    throw reservedBits(cursor, offset + from, `${name} record`);
  const found = checkHead(cursor, record, name, head, stream);
  yield* cursor.pass(record.length - head.length, `the body of a ${name} record`);
  return found;
}

function checkAllowed(
  cursor: Cursor,
  record: RecordHeader,
  name: string,
  { guest, since = 0 }: RecordRule,
  stream: StreamSoFar,
): void {
  if (guest !== undefined && guest !== stream.guest) {
    throw cursor.error('CORRUPT', `a ${name} record is not allowed for this type of guest`, {
      offset: record.offset,
      expected: `records of an ${stream.guest} guest`,
      found: `a record of an ${guest} guest`,
    });
  }
  if (stream.version < since) {
    throw cursor.error('CORRUPT', `a ${name} record is not allowed in this version of the libxc stream`, {
      offset: record.offset,
      expected: `version ${since}`,
      found: `version ${stream.version}`,
    });
  }
}

function checkLength(cursor: Cursor, record: RecordHeader, name: string, { length: rule }: RecordRule): void {
  const fits =
    typeof rule === 'number'
      ? record.length === rule
      : record.length >= rule.atLeast && record.length % rule.multipleOf === 0;
  if (fits) return;
  const multiple = typeof rule === 'number' || rule.multipleOf === 1 ? '' : `, and a multiple of ${rule.multipleOf}`;
  const expected = typeof rule === 'number' ? `${rule} bytes` : `at least ${rule.atLeast} bytes${multiple}`;
  throw lengthError(cursor, record, name, expected);
}

function checkHead(
  cursor: Cursor,
  record: RecordHeader,
  name: string,
  head: Uint8Array,
  { byteOrder, guestWidth }: StreamSoFar,
): BodyFound {
  const view = viewOf(head);
  const little = isLittle(byteOrder);
  const bad = (expected: string, found: string): Error => {
    return cursor.error('CORRUPT', `a ${name} record is not valid`, { offset: record.offset, expected, found });
  };
  if (name === 'HVM_PARAMS') {
    const count = view.getUint32(0, little);
    const expected = 8 + count * 16;
    if (record.length !== expected)
      throw lengthError(cursor, record, name, `${expected} bytes for ${count} parameters`);
  }
  if (name === 'X86_PV_INFO') {
    const [width, levels] = [view.getUint8(0), view.getUint8(1)];
    const known = (width === 4 || width === 8) && (levels === 3 || levels === 4);
    if (!known) throw bad('a width of 4 or 8 and 3 or 4 levels', `a width of ${width} and ${levels} levels`);
    return { guestWidth: width };
  }
  if (name === 'X86_PV_P2M_FRAMES') {
    if (guestWidth === undefined) throw bad('an X86_PV_INFO record before it', 'none');
    const [start, end] = [view.getUint32(0, little), view.getUint32(4, little)];
    if (start > end) throw bad('a first page frame that is not after the last one', `${start} and ${end}`);
    const perFrame = PAGE_BYTES / guestWidth;
    const frames = Math.floor(end / perFrame) - Math.floor(start / perFrame) + 1;
    if (record.length !== 8 + 8 * frames) throw lengthError(cursor, record, name, `${8 + 8 * frames} bytes`);
  }
  return {};
}

function lengthError(cursor: Cursor, record: RecordHeader, name: string, expected: string): Error {
  return cursor.error('CORRUPT', `a ${name} record has the wrong length`, {
    offset: record.offset + 4,
    expected,
    found: `${record.length} bytes`,
  });
}
