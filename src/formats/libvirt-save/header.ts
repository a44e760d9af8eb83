/**
 * The beginning of a file that libvirt's QEMU driver saves a guest into: src/qemu/qemu_saveimage.h of libvirt.
 *
 *      0  16  "LibvirtQemudSave"; "LibvirtQemudPart" until it is whole
 *     16   4  version, 1 or 2, in the byte order of the host that wrote it: of all these numbers
 *     20   4  bytes of XML, cookie and padding together, N
 *     24   4  whether the guest was running
 *     28   4  format of the stream, as COMPRESSIONS below; version 1 has none
 *     32   4  where the cookie begins within the N bytes; 0: there is none
 *     36  56  unused
 *     92   N  the domain's XML, NUL, the cookie, NUL, zeros
 *   92+N      QEMU's migration stream, compressed as the format says, to the end of the file
 */
import { type ByteOrder, type Cursor, isLittle, type PullParser, viewOf } from '../pull-parser/index.js';

export const LIBVIRT_MAGIC = 'LibvirtQemudSave';
export const LIBVIRT_PARTIAL_MAGIC = 'LibvirtQemudPart';
const MAGIC_BYTES = 16;
const HEADER_BYTES = 92;
const LATEST_VERSION = 2;
/** XML is some 10 KiB, and libvirt adds 64 KiB to have room for edits. */
const MOST_TEXT = 16 * 1024 * 1024;

/** By number. `sparse` is QEMU's mapped-ram: no stream, but a file to be read anywhere. */
const COMPRESSIONS = ['raw', 'gzip', 'bzip2', 'xz', 'lzop', 'zstd', 'sparse'] as const;
export type LibvirtCompression = (typeof COMPRESSIONS)[number];

export interface LibvirtHeader {
  readonly finished: boolean;
  readonly version: number;
  readonly byteOrder: ByteOrder;
  /** Bytes of XML, cookie and padding. */
  readonly textBytes: number;
  readonly wasRunning: boolean;
  readonly compression: LibvirtCompression;
  /** Within the text; 0 where there is no cookie. */
  readonly cookieOffset: number;
}

/** @throws StubferryError TRUNCATED, CORRUPT, UNSUPPORTED_VERSION, LIMIT_EXCEEDED */
export function* takeLibvirtHeader(cursor: Cursor): PullParser<LibvirtHeader> {
  const bytes = yield* cursor.take(HEADER_BYTES, 'the header of a libvirt save file');
  const view = viewOf(bytes);
  const finished = Buffer.from(bytes.subarray(0, MAGIC_BYTES)).toString('latin1') === LIBVIRT_MAGIC;
  const byteOrder = view.getUint32(16, true) <= LATEST_VERSION ? 'little' : 'big';
  const little = isLittle(byteOrder);
  const version = view.getUint32(16, little);
  if (version < 1 || version > LATEST_VERSION) {
    throw cursor.error('UNSUPPORTED_VERSION', 'a libvirt save file of another version', {
      offset: 16,
      expected: `1 or ${LATEST_VERSION}`,
      found: `${version}`,
    });
  }
  const textBytes = view.getUint32(20, little);
  if (textBytes === 0 || textBytes > MOST_TEXT) {
    throw cursor.error(
      textBytes === 0 ? 'CORRUPT' : 'LIMIT_EXCEEDED',
      'the XML in the libvirt save file has no such length',
      {
        offset: 20,
        expected: `1 to ${MOST_TEXT} bytes`,
        found: `${textBytes}`,
      },
    );
  }
  const format = version === 1 ? 0 : view.getUint32(28, little);
  const compression = COMPRESSIONS[format];
  if (compression === undefined) {
    throw cursor.error('UNSUPPORTED_VERSION', 'the stream in the libvirt save file is compressed in an unknown way', {
      offset: 28,
      expected: `0 to ${COMPRESSIONS.length - 1} (${COMPRESSIONS.join(', ')})`,
      found: `${format}`,
    });
  }
  const cookieOffset = view.getUint32(32, little);
  if (cookieOffset >= textBytes) {
    throw cursor.error('CORRUPT', 'the cookie of the libvirt save file lies outside of its text', {
      offset: 32,
      expected: `less than ${textBytes}`,
      found: `${cookieOffset}`,
    });
  }
  return {
    finished,
    version,
    byteOrder,
    textBytes,
    wasRunning: view.getUint32(24, little) !== 0,
    compression,
    cookieOffset,
  };
}
