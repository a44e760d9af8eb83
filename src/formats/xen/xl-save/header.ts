/**
 * The header of a file that `xl save` writes. Source: struct save_file_header and its comment in tools/xl/xl.h of Xen.
 *
 *     offset  size  field
 *      0      32    "Xen saved domain, xl format\n \0 \r"
 *     32       4    0x01020304, in the byte order of all numbers of the header
 *     36       4    mandatory flags; bit 0: the config is JSON; bit 1: a libxl stream of version 2 follows; a reader
 *                   rejects other bits
 *     40       4    optional flags
 *     44       4    N: the length of the optional data, in bytes
 *     48       N    optional data: u32 length of the config, the config with its NUL, and additions of later versions
 *     48+N          libxl stream
 */
import {
  type ByteOrder,
  type Cursor,
  hex32,
  isLittle,
  type PullParser,
  utf8Text,
  viewOf,
} from '../../pull-parser/index.js';
import type { XlConfig } from './summary.js';

/** The first 32 bytes of an xl save file. */
export const XL_MAGIC = 'Xen saved domain, xl format\n \0 \r';
const MAGIC_BYTES = 32;
const HEADER_BYTES = 48;
const BYTE_ORDER = 0x01020304;
const JSON_CONFIG = 1;
const STREAM_V2 = 2;
/** The config of a domain with hundreds of devices has about 100 KiB. */
const MAX_OPTIONAL_DATA = 4 * 1024 * 1024;

/** A decoded header. */
export interface XlHeader {
  readonly byteOrder: ByteOrder;
  readonly mandatoryFlags: number;
  readonly optionalFlags: number;
  /** The length of the optional data, in bytes. */
  readonly optionalData: number;
}

/**
 * Reads the header.
 *
 * @throws StubferryError TRUNCATED: when the input ends within it; CORRUPT: when the magic or the byte order mark is
 * wrong; UNSUPPORTED_VERSION: when the mandatory flags are; LIMIT_EXCEEDED: when the optional data is too long
 */
export function* takeXlHeader(cursor: Cursor): PullParser<XlHeader> {
  const { offset } = cursor;
  const bytes = yield* cursor.take(HEADER_BYTES, 'the header of an xl save file');
  const view = viewOf(bytes);
  if (Buffer.from(bytes.subarray(0, MAGIC_BYTES)).toString('latin1') !== XL_MAGIC) {
    throw cursor.error('CORRUPT', 'the magic of the xl save file is damaged', {
      offset,
      expected: '"Xen saved domain, xl format"',
      found: 'other bytes',
    });
  }
  const byteOrder = byteOrderOf(view.getUint32(32, true));
  if (byteOrder === undefined) {
    throw cursor.error('CORRUPT', 'the byte order mark of the xl save file is damaged', {
      offset: offset + 32,
      expected: hex32(BYTE_ORDER),
      found: hex32(view.getUint32(32, true)),
    });
  }
  const little = isLittle(byteOrder);
  const [mandatoryFlags, optionalFlags] = [view.getUint32(36, little), view.getUint32(40, little)];
  if ((mandatoryFlags & ~(JSON_CONFIG | STREAM_V2)) !== 0) {
    throw cursor.error('UNSUPPORTED_VERSION', 'the xl save file has unknown mandatory flags', {
      offset: offset + 36,
      expected: 'bits 0 and 1 at most',
      found: hex32(mandatoryFlags),
    });
  }
  if ((mandatoryFlags & STREAM_V2) === 0) {
    throw cursor.error('UNSUPPORTED_VERSION', 'the xl save file holds a stream of Xen 4.5 or older', {
      offset: offset + 36,
      expected: 'bit 1: a libxl stream of version 2',
      found: hex32(mandatoryFlags),
      hint: 'restore it with a Xen that can convert it, and save it again',
    });
  }
  const optionalData = view.getUint32(44, little);
  if (optionalData > MAX_OPTIONAL_DATA) {
    throw cursor.error('LIMIT_EXCEEDED', 'the config in the xl save file is too large', {
      offset: offset + 44,
      expected: `at most ${MAX_OPTIONAL_DATA} bytes`,
      found: `${optionalData}`,
    });
  }
  return { byteOrder, mandatoryFlags, optionalFlags, optionalData };
}

function byteOrderOf(mark: number): ByteOrder | undefined {
  if (mark === BYTE_ORDER) return 'little';
  return mark === 0x04030201 ? 'big' : undefined;
}

/**
 * Reads the optional data and returns the config in it, if there is one.
 *
 * @throws StubferryError TRUNCATED: when the input ends within it; CORRUPT: when the config is not valid
 */
export function* takeConfig(cursor: Cursor, header: XlHeader): PullParser<XlConfig | undefined> {
  if (header.optionalData === 0) return undefined;
  const { offset } = cursor;
  const bytes = yield* cursor.take(header.optionalData, 'the optional data of the xl save file');
  const room = bytes.length - 4;
  const length = room < 0 ? 0 : viewOf(bytes).getUint32(0, isLittle(header.byteOrder));
  if (room < 0 || length > room) {
    throw cursor.error('CORRUPT', 'the config is longer than the optional data of the xl save file', {
      offset,
      expected: `at most ${Math.max(room, 0)} bytes`,
      found: `${length} bytes`,
    });
  }
  if (length === 0) return undefined;
  const text = Buffer.from(bytes.subarray(4, 4 + length));
  const format = (header.mandatoryFlags & JSON_CONFIG) !== 0 ? 'json' : 'xl';
  // The length of a JSON config includes its NUL. The text of a config file has no NUL.
  const end = text.at(-1) === 0 ? length - 1 : length;
  return { format, text: utf8Text(cursor, text.subarray(0, end), offset + 4), offset: offset + 4, length };
}
