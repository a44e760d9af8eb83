/**
 * A PAGE_DATA record contains pages of the guest's memory. Source: docs/specs/libxc-migration-stream.pandoc of Xen.
 *
 *     offset  size  field
 *     0       4     C: number of page frames, at least 1
 *     4       4     reserved, 0
 *     8       8 C   page frames; bits 63 to 60: type; bits 59 to 52: reserved; bits 51 to 0: page frame number
 *                   4096 bytes for each page frame whose type has contents, in the same order
 *
 *     type  0        page                        has contents
 *           1 to 4   page table, level 1 to 4    has contents
 *           9 to 12  pinned page table           has contents
 *           13       broken
 *           14       allocate only
 *           15       hole
 *           others   reserved
 *
 * The parser reads the page frames in chunks, so that the longest record that Xen accepts does not need memory of its
 * length. It skips the contents. Xen 4.17 writes at most 1024 page frames and 4,202,504 bytes per record.
 */
import {
  type ByteOrder,
  type Cursor,
  isLittle,
  type PullParser,
  type RecordHeader,
  viewOf,
} from '../../pull-parser/index.js';
import { PAGE_BYTES, reservedBits } from './headers.js';

const HEAD_BYTES = 8;
const FRAME_BYTES = 8;
/** The number of bytes of page frames that the parser reads at a time. */
const CHUNK_BYTES = 64 * 1024;
/** The reserved bits in the upper 32 bits of a page frame. */
const RESERVED = 0x0ff0_0000;
const TYPE_SHIFT = 28;

/** Whether a page frame has contents, by type. It is undefined for reserved types. */
const HAS_CONTENTS: readonly (boolean | undefined)[] = [
  ...[true, true, true, true, true, undefined, undefined, undefined],
  ...[undefined, true, true, true, true, false, false, false],
];

/** The number of page frames in a record, and of those that have contents. */
export interface PageCount {
  readonly described: number;
  readonly withData: number;
}

/**
 * Parses the body of a PAGE_DATA record.
 *
 * @throws StubferryError TRUNCATED: when the input ends within it; CORRUPT: when it is not valid
 */
export function* parsePageData(cursor: Cursor, record: RecordHeader, order: ByteOrder): PullParser<PageCount> {
  if (record.length < HEAD_BYTES) throw wrongLength(cursor, record, `at least ${HEAD_BYTES} bytes`);
  const { offset } = cursor;
  const little = isLittle(order);
  const head = viewOf(yield* cursor.take(HEAD_BYTES, 'the header of a PAGE_DATA record'));
  const described = head.getUint32(0, little);
  if (head.getUint32(4, little) !== 0) throw reservedBits(cursor, offset + 4, 'PAGE_DATA record');
  if (described === 0) {
    throw cursor.error('CORRUPT', 'a PAGE_DATA record has no page frames', {
      offset,
      expected: 'a count of at least 1',
      found: '0',
    });
  }
  const framesBytes = described * FRAME_BYTES;
  if (record.length < HEAD_BYTES + framesBytes)
    throw wrongLength(cursor, record, `at least ${HEAD_BYTES + framesBytes} bytes for ${described} page frames`);
  const withData = yield* parseFrames(cursor, framesBytes, little);
  const expected = HEAD_BYTES + framesBytes + withData * PAGE_BYTES;
  if (record.length !== expected)
    throw wrongLength(
      cursor,
      record,
      `${expected} bytes for ${described} page frames, ${withData} of them with contents`,
    );
  yield* cursor.pass(withData * PAGE_BYTES, 'pages of a PAGE_DATA record');
  return { described, withData };
}

function* parseFrames(cursor: Cursor, bytes: number, little: boolean): PullParser<number> {
  let withData = 0;
  for (let rest = bytes; rest > 0; rest -= Math.min(rest, CHUNK_BYTES)) {
    const { offset } = cursor;
    const view = viewOf(yield* cursor.take(Math.min(rest, CHUNK_BYTES), 'page frames of a PAGE_DATA record'));
    for (let at = 0; at < view.byteLength; at += FRAME_BYTES) {
      // The type and the reserved bits. A number is faster than a bigint: a guest of 10 GiB has 2.6 million page
      // frames.
      const upper = view.getUint32(little ? at + 4 : at, little);
      const has = HAS_CONTENTS[upper >>> TYPE_SHIFT];
      if (has === undefined || (upper & RESERVED) !== 0) {
        throw cursor.error('CORRUPT', 'a page frame has an unknown type or reserved bits', {
          offset: offset + at,
          expected: 'types 0 to 4 or 9 to 15, and no reserved bits',
          found: `0x${view.getBigUint64(at, little).toString(16).padStart(16, '0')}`,
        });
      }
      if (has) withData += 1;
    }
  }
  return withData;
}

function wrongLength(cursor: Cursor, record: RecordHeader, expected: string): Error {
  return cursor.error('CORRUPT', 'a PAGE_DATA record has the wrong length', {
    offset: record.offset + 4,
    expected,
    found: `${record.length} bytes`,
  });
}
