/**
 * The header of a libxl stream. It is always big-endian. Source: docs/specs/libxl-migration-stream.pandoc of Xen.
 *
 *     offset  size  field
 *      0      8     "LibxlFmt"
 *      8      4     version, 2
 *     12      4     options; bit 0: the records are big-endian; bit 1: converted from a stream of Xen 4.5 or older
 */
import { type ByteOrder, type Cursor, hex32, type PullParser, viewOf } from '../../pull-parser/index.js';

/** The first 8 bytes of a libxl stream. */
export const LIBXL_MAGIC = 'LibxlFmt';
const HEADER_BYTES = 16;
const IDENT = 0x4c69_6278_6c46_6d74n;
const VERSION = 2;
const BIG_ENDIAN = 1;
const LEGACY = 2;

/** A decoded header. */
export interface LibxlHeader {
  readonly version: number;
  /** The byte order of the records. */
  readonly byteOrder: ByteOrder;
  /** Whether the stream was converted from a stream of Xen 4.5 or older. */
  readonly fromLegacy: boolean;
}

/**
 * Reads the header.
 *
 * @throws StubferryError TRUNCATED: when the input ends within it; CORRUPT: when the magic or the options are wrong;
 * UNSUPPORTED_VERSION: when the version is another one
 */
export function* takeLibxlHeader(cursor: Cursor): PullParser<LibxlHeader> {
  const { offset } = cursor;
  const view = viewOf(yield* cursor.take(HEADER_BYTES, 'the header of a libxl stream'));
  const ident = view.getBigUint64(0);
  if (ident !== IDENT) {
    throw cursor.error('CORRUPT', 'no libxl stream at this offset', {
      offset,
      expected: `"${LIBXL_MAGIC}"`,
      found: `0x${ident.toString(16).padStart(16, '0')}`,
    });
  }
  const version = view.getUint32(8);
  if (version !== VERSION) {
    throw cursor.error('UNSUPPORTED_VERSION', 'the libxl stream has an unsupported version', {
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
