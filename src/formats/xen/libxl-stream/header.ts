/**
 * The header of a libxl stream: docs/specs/libxl-migration-stream.pandoc of Xen. Always big-endian.
 *
 *      0  8  "LibxlFmt"
 *      8  4  version, 2
 *     12  4  options: bit 0 the records are big-endian, bit 1 converted from a stream of Xen 4.5 or older
 */
import { type ByteOrder, type Cursor, hex32, type PullParser, viewOf } from '../../pull-parser/index.js';

export const LIBXL_MAGIC = 'LibxlFmt';
const HEADER_BYTES = 16;
const IDENT = 0x4c69_6278_6c46_6d74n;
const VERSION = 2;
const BIG_ENDIAN = 1;
const LEGACY = 2;

export interface LibxlHeader {
  readonly version: number;
  readonly byteOrder: ByteOrder;
  readonly fromLegacy: boolean;
}

/** @throws StubferryError TRUNCATED, CORRUPT, UNSUPPORTED_VERSION */
export function* takeLibxlHeader(cursor: Cursor): PullParser<LibxlHeader> {
  const { offset } = cursor;
  const view = viewOf(yield* cursor.take(HEADER_BYTES, 'the header of a libxl stream'));
  const ident = view.getBigUint64(0);
  if (ident !== IDENT) {
    throw cursor.error('CORRUPT', 'there is no libxl stream here', {
      offset,
      expected: `"${LIBXL_MAGIC}"`,
      found: `0x${ident.toString(16).padStart(16, '0')}`,
    });
  }
  const version = view.getUint32(8);
  if (version !== VERSION) {
    throw cursor.error('UNSUPPORTED_VERSION', 'a libxl stream of another version', {
      offset: offset + 8,
      expected: `${VERSION}`,
      found: `${version}`,
    });
  }
  const options = view.getUint32(12);
  if ((options & ~(BIG_ENDIAN | LEGACY)) !== 0) {
    throw cursor.error('CORRUPT', 'reserved bits are set in the header of the libxl stream', {
      offset: offset + 12,
      expected: 'bits 0 and 1 at most',
      found: hex32(options),
    });
  }
  return {
    version,
    byteOrder: (options & BIG_ENDIAN) !== 0 ? 'big' : 'little',
    fromLegacy: (options & LEGACY) !== 0,
  };
}
