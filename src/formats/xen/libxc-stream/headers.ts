/**
 * The two headers of a libxc stream. Source: docs/specs/libxc-migration-stream.pandoc of Xen.
 *
 *     image header, always big-endian             domain header, in the byte order that the options declare
 *     offset  size  field                         offset  size  field
 *      0      8     marker, all bits set           0      4     type: 1 x86 PV, 2 x86 HVM
 *      8      4     "XENF"                         4      2     page shift, 12
 *     12      4     version, 2 or 3                6      2     reserved, 0
 *     16      2     options; bit 0: big-endian     8      4     major version of Xen; 0: converted from a legacy stream
 *     18      6     reserved, 0                   12      4     minor version of Xen
 */
import { type ByteOrder, type Cursor, hex32, isLittle, type PullParser, viewOf } from '../../pull-parser/index.js';

const IMAGE_HEADER_BYTES = 24;
const DOMAIN_HEADER_BYTES = 16;
const MARKER = 0xffff_ffff_ffff_ffffn;
const ID = 0x58454e46;
const VERSIONS: readonly number[] = [2, 3];
const BIG_ENDIAN = 1;
/** The only page size of x86 in a stream. The length of PAGE_DATA records depends on it. */
const PAGE_SHIFT = 12;
/** The size of a page, in bytes. */
export const PAGE_BYTES = 1 << PAGE_SHIFT;

const GUESTS = { 1: 'x86 PV', 2: 'x86 HVM' } as const;
/** The type of a guest. */
export type Guest = (typeof GUESTS)[keyof typeof GUESTS];

/** A decoded image header. */
export interface ImageHeader {
  readonly version: number;
  readonly byteOrder: ByteOrder;
}

/** A decoded domain header. */
export interface DomainHeader {
  readonly guest: Guest;
  /** The version of Xen that wrote the stream. */
  readonly xen: { readonly major: number; readonly minor: number };
}

/**
 * Reads the image header.
 *
 * @throws StubferryError TRUNCATED: when the input ends within it; CORRUPT: when the marker, the id or reserved bits
 * are wrong; UNSUPPORTED_VERSION: when the version is another one
 */
export function* takeImageHeader(cursor: Cursor): PullParser<ImageHeader> {
  const { offset } = cursor;
  const view = viewOf(yield* cursor.take(IMAGE_HEADER_BYTES, 'the image header of a libxc stream'));
  const [marker, id] = [view.getBigUint64(0), view.getUint32(8)];
  if (marker !== MARKER || id !== ID) {
    throw cursor.error('CORRUPT', 'no libxc stream at this offset', {
      offset: marker === MARKER ? offset + 8 : offset,
      expected: 'eight bytes of 0xff and "XENF"',
      found: `0x${marker.toString(16).padStart(16, '0')} ${hex32(id)}`,
      hint: marker === MARKER ? undefined : 'stubferry cannot read streams of Xen 4.5 and older',
    });
  }
  const version = view.getUint32(12);
  if (!VERSIONS.includes(version)) {
    throw cursor.error('UNSUPPORTED_VERSION', 'the libxc stream has an unsupported version', {
      offset: offset + 12,
      expected: '2 or 3',
      found: `${version}`,
    });
  }
  const options = view.getUint16(16);
  const reserved = view.getUint16(18) !== 0 || view.getUint32(20) !== 0 || (options & ~BIG_ENDIAN) !== 0;
  if (reserved) throw reservedBits(cursor, offset + 16, 'image header of the libxc stream');
  return { version, byteOrder: options === BIG_ENDIAN ? 'big' : 'little' };
}

/**
 * Reads the domain header.
 *
 * @throws StubferryError TRUNCATED: when the input ends within it; CORRUPT: when a field is not valid
 */
export function* takeDomainHeader(cursor: Cursor, order: ByteOrder): PullParser<DomainHeader> {
  const { offset } = cursor;
  const little = isLittle(order);
  const view = viewOf(yield* cursor.take(DOMAIN_HEADER_BYTES, 'the domain header of a libxc stream'));
  const type = view.getUint32(0, little);
  const guest = type === 1 || type === 2 ? GUESTS[type] : undefined;
  if (guest === undefined) {
    throw cursor.error('CORRUPT', 'the domain header of the libxc stream has an unknown type of guest', {
      offset,
      expected: '1 (x86 PV) or 2 (x86 HVM)',
      found: `${type}`,
    });
  }
  const shift = view.getUint16(4, little);
  if (shift !== PAGE_SHIFT) {
    throw cursor.error('CORRUPT', 'the domain header of the libxc stream has an unsupported page size', {
      offset: offset + 4,
      expected: `a page shift of ${PAGE_SHIFT}`,
      found: `${shift}`,
    });
  }
  if (view.getUint16(6, little) !== 0) throw reservedBits(cursor, offset + 6, 'domain header of the libxc stream');
  return { guest, xen: { major: view.getUint32(8, little), minor: view.getUint32(12, little) } };
}

/** Creates the error for reserved bits that are set. */
export function reservedBits(cursor: Cursor, offset: number, what: string): Error {
  return cursor.error('CORRUPT', `reserved bits are set in the ${what}`, {
    offset,
    expected: 'zeros',
    found: 'bits that are set',
  });
}
