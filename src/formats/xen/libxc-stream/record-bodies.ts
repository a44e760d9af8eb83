/** The bodies of all records but PAGE_DATA: checked by their rule, and by what they say of themselves. */
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

/** Enough for whatever is looked at in a body. */
const HEAD_BYTES = 24;

/** What of the stream so far a body has to agree with. */
export interface StreamSoFar {
  readonly version: number;
  readonly byteOrder: ByteOrder;
  readonly guest: Guest;
  /** Of an X86_PV_INFO record: bytes of a guest's word. */
  readonly guestWidth: number | undefined;
}

/** What a body says that later ones have to agree with. */
export interface BodyFound {
  readonly guestWidth?: number;
}

/** Walks one body. @throws StubferryError TRUNCATED, CORRUPT */
export function* walkBody(
  cursor: Cursor,
  record: RecordHeader,
  name: Exclude<LibxcType, 'PAGE_DATA'>,
  stream: StreamSoFar,
): PullParser<BodyFound> {
  const rule: RecordRule = RECORD_RULES[name];
  checkPlaceInStream(cursor, record, name, rule, stream);
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

function checkPlaceInStream(
  cursor: Cursor,
  record: RecordHeader,
  name: string,
  { guest, since = 0 }: RecordRule,
  stream: StreamSoFar,
): void {
  if (guest !== undefined && guest !== stream.guest) {
    throw cursor.error('CORRUPT', `a ${name} record in the stream of another kind of guest`, {
      offset: record.offset,
      expected: `records of an ${stream.guest} guest`,
      found: `one of an ${guest} guest`,
    });
  }
  if (stream.version < since) {
    throw cursor.error('CORRUPT', `a ${name} record in a stream that is too old for it`, {
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
    return cursor.error('CORRUPT', `the ${name} record contradicts itself`, { offset: record.offset, expected, found });
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
    if (start > end) throw bad('a first page frame before the last', `${start} and ${end}`);
    const perFrame = PAGE_BYTES / guestWidth;
    const frames = Math.floor(end / perFrame) - Math.floor(start / perFrame) + 1;
    if (record.length !== 8 + 8 * frames) throw lengthError(cursor, record, name, `${8 + 8 * frames} bytes`);
  }
  return {};
}

function lengthError(cursor: Cursor, record: RecordHeader, name: string, expected: string): Error {
  return cursor.error('CORRUPT', `a ${name} record of a wrong length`, {
    offset: record.offset + 4,
    expected,
    found: `${record.length} bytes`,
  });
}
