/**
 * The header of a file into which libvirt's QEMU driver saves a guest. Source: src/qemu/qemu_saveimage.h of libvirt.
 *
 *     offset  size  field
 *      0      16    "LibvirtQemudSave"; "LibvirtQemudPart" until the save is complete
 *     16       4    version, 1 or 2; all numbers have the byte order of the host that wrote the file
 *     20       4    N: the length of XML, cookie and padding together, in bytes
 *     24       4    whether the guest was running
 *     28       4    format of the stream, an index into COMPRESSIONS; version 1 has none
 *     32       4    offset of the cookie within the N bytes; 0: there is no cookie
 *     36      56    unused
 *     92       N    XML of the domain, NUL, cookie, NUL, zeros
 *     92+N          QEMU's migration stream, compressed as the format declares, to the end of the file
 */
import { type ByteOrder, type Cursor, isLittle, type PullParser, viewOf } from '../pull-parser/index.js';

/** The magic of a complete libvirt save file. */
export const LIBVIRT_MAGIC = 'LibvirtQemudSave';
/** The magic of a libvirt save file that libvirt did not finish. */
export const LIBVIRT_PARTIAL_MAGIC = 'LibvirtQemudPart';
const MAGIC_BYTES = 16;
const HEADER_BYTES = 92;
const LATEST_VERSION = 2;
/** The maximum length of the texts, in bytes. The XML has about 10 KiB, and libvirt adds 64 KiB of room for edits. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/** The compressions by number. `sparse` is QEMU's mapped-ram, which is not a stream but a file for random access. */
const COMPRESSIONS = ['raw', 'gzip', 'bzip2', 'xz', 'lzop', 'zstd', 'sparse'] as const;
/** The name of a compression. */
export type LibvirtCompression = (typeof COMPRESSIONS)[number];

/** A decoded header. */
export interface LibvirtHeader {
  /** Whether libvirt finished the save. */
  readonly finished: boolean;
  readonly version: number;
  readonly byteOrder: ByteOrder;
  /** The length of XML, cookie and padding together, in bytes. */
  readonly textBytes: number;
  readonly wasRunning: boolean;
  readonly compression: LibvirtCompression;
  /** The offset of the cookie within these bytes; 0 when there is no cookie. */
  readonly cookieOffset: number;
}

/**
 * Reads the header.
 *
 * @throws StubferryError TRUNCATED: when the input ends within it; UNSUPPORTED_VERSION: when the version or the
 * compression is unknown; LIMIT_EXCEEDED: when the texts are too long; CORRUPT: when a length is not possible
 */
export function* takeLibvirtHeader(cursor: Cursor): PullParser<LibvirtHeader> {
  const bytes = yield* cursor.take(HEADER_BYTES, 'the header of a libvirt save file');
  const view = viewOf(bytes);
  const finished = Buffer.from(bytes.subarray(0, MAGIC_BYTES)).toString('latin1') === LIBVIRT_MAGIC;
  const byteOrder = view.getUint32(16, true) <= LATEST_VERSION ? 'little' : 'big';
  const little = isLittle(byteOrder);
  const version = view.getUint32(16, little);
  if (version < 1 || version > LATEST_VERSION) {
    throw cursor.error('UNSUPPORTED_VERSION', 'the libvirt save file has an unsupported version', {
      offset: 16,
      expected: `1 or ${LATEST_VERSION}`,
      found: `${version}`,
    });
  }
  const textBytes = view.getUint32(20, little);
  if (textBytes === 0 || textBytes > MAX_TEXT_BYTES) {
    throw cursor.error(
      textBytes === 0 ? 'CORRUPT' : 'LIMIT_EXCEEDED',
      'the length of the XML in the libvirt save file is out of range',
      {
        offset: 20,
        expected: `1 to ${MAX_TEXT_BYTES} bytes`,
        found: `${textBytes}`,
      },
    );
  }
  const format = version === 1 ? 0 : view.getUint32(28, little);
  const compression = COMPRESSIONS[format];
  if (compression === undefined) {
    throw cursor.error('UNSUPPORTED_VERSION', 'the stream in the libvirt save file has an unknown compression', {
      offset: 28,
      expected: `0 to ${COMPRESSIONS.length - 1} (${COMPRESSIONS.join(', ')})`,
      found: `${format}`,
    });
  }
  const cookieOffset = view.getUint32(32, little);
  if (cookieOffset >= textBytes) {
    throw cursor.error('CORRUPT', 'the cookie of the libvirt save file is outside of its text', {
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
