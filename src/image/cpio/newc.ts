/**
 * The archive that Linux unpacks as its first file system: cpio, format "newc" (linux/Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 *     header | path NUL, padded to 4 | data, padded to 4 | header | ... | header of "TRAILER!!!"
 *
 *     header: "070701" and thirteen numbers of eight hexadecimal digits:
 *         ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
 *
 * The same entries give the same bytes: owner 0, time 0, numbers in the order of the entries.
 */
import { StubferryError } from '../../base/errors/index.js';

const MAGIC = '070701';
const TRAILER = 'TRAILER!!!';
export const HEADER_BYTES = 110;
/** PATH_MAX of Linux. */
export const LONGEST_PATH = 4096;
/** A number has eight hexadecimal digits. */
const LARGEST_FILE = 2 ** 32 - 1;

/** File types in `mode`. */
export const S_IFMT = 0o170000;
export const S_IFREG = 0o100000;
export const S_IFDIR = 0o040000;
export const S_IFLNK = 0o120000;

export interface CpioEntry {
  /** Without a leading `/`. */
  readonly path: string;
  /** Type and permissions. */
  readonly mode: number;
  /** Bytes of data that follow: a file's content, a symbolic link's target. */
  readonly size: number;
}

export interface CpioHeader {
  readonly mode: number;
  readonly size: number;
  /** Length of the path with its NUL. */
  readonly pathLength: number;
}

/** All that stands before an entry's data. @throws StubferryError LIMIT_EXCEEDED */
export function encodeEntry({ path, mode, size }: CpioEntry, ino: number): Uint8Array {
  const name = new TextEncoder().encode(`${path}\0`);
  if (name.length > LONGEST_PATH) throw tooLarge(path, `a path of ${name.length - 1} bytes`);
  if (size > LARGEST_FILE) throw tooLarge(path, `${size} bytes`);
  const nlink = (mode & S_IFMT) === S_IFDIR ? 2 : 1;
  const numbers = [ino, mode, 0, 0, nlink, 0, size, 0, 0, 0, 0, name.length, 0];
  const header = MAGIC + numbers.map((number) => number.toString(16).padStart(8, '0')).join('');
  const encoded = new Uint8Array(padded(HEADER_BYTES + name.length));
  encoded.set(new TextEncoder().encode(header));
  encoded.set(name, HEADER_BYTES);
  return encoded;
}

/** What stands behind an entry's data. */
export function paddingAfter(size: number): Uint8Array {
  return new Uint8Array(padded(size) - size);
}

/** What ends an archive. */
export function encodeTrailer(): Uint8Array {
  return encodeEntry({ path: TRAILER, mode: 0, size: 0 }, 0);
}

export function isTrailer(path: string): boolean {
  return path === TRAILER;
}

/** @param bytes {@link HEADER_BYTES} of them. @throws StubferryError NOT_AN_IMAGE */
export function decodeHeader(bytes: Uint8Array): CpioHeader {
  const text = String.fromCharCode(...bytes.subarray(0, HEADER_BYTES));
  if (!text.startsWith(MAGIC)) throw notCpio(`no header that begins with ${MAGIC}`);
  const fields = /^[0-9a-f]{104}$/i.test(text.slice(MAGIC.length)) ? text.slice(MAGIC.length) : undefined;
  if (fields === undefined) throw notCpio('a header with other characters than hexadecimal digits');
  const number = (index: number): number => Number.parseInt(fields.slice(index * 8, index * 8 + 8), 16);
  const [mode, size, pathLength] = [number(1), number(6), number(11)];
  if (pathLength < 2 || pathLength > LONGEST_PATH) throw notCpio(`a path of ${pathLength} bytes`);
  return { mode, size, pathLength };
}

/** @param bytes a path with its NUL. @throws StubferryError NOT_AN_IMAGE */
export function decodePath(bytes: Uint8Array): string {
  if (bytes.indexOf(0) !== bytes.length - 1) throw notCpio('a path that does not end where it should');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, -1));
  } catch (cause) {
    throw notCpio('a path that is no UTF-8', cause);
  }
}

/** The next place where a header or data may begin. */
export function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function tooLarge(where: string, found: string): StubferryError {
  return new StubferryError('LIMIT_EXCEEDED', 'the ramdisk cannot hold this file', { where, found });
}

export function notCpio(found: string, cause?: unknown): StubferryError {
  return new StubferryError('NOT_AN_IMAGE', 'the file is no ramdisk of a stubdom', {
    expected: "what 'stubferry image build' made: a cpio archive of the format newc",
    found,
    cause,
  });
}
