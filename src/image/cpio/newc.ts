/**
 * The archive that Linux unpacks as its first file system: cpio in the "newc" format
 * (linux/Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 *     header | path NUL, padded to 4 | data, padded to 4 | header | ... | header of "TRAILER!!!"
 *
 *     header: "070701", then thirteen numbers of eight hexadecimal digits each:
 *         ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
 *
 * The same entries give the same bytes: the owner and the time are 0, and inode numbers follow the order of the
 * entries.
 */
import { StubferryError } from '../../base/errors/index.js';

const MAGIC = '070701';
const TRAILER = 'TRAILER!!!';
/** The length of a header, in bytes. */
export const HEADER_BYTES = 110;
/** The longest path with its NUL, in bytes: Linux's PATH_MAX. */
export const LONGEST_PATH = 4096;
/** The largest number of eight hexadecimal digits. */
const LARGEST_FILE = 2 ** 32 - 1;

/** The bits of `mode` that contain the file type. */
export const S_IFMT = 0o170000;
/** The file type of a regular file. */
export const S_IFREG = 0o100000;
/** The file type of a directory. */
export const S_IFDIR = 0o040000;

/** The facts of an entry that is written. */
export interface CpioEntry {
  /** The path, without a leading `/`. */
  readonly path: string;
  /** The file type and the permissions. */
  readonly mode: number;
  /** How many bytes of data follow: a file's content or a symbolic link's target. */
  readonly size: number;
}

/** The facts of a header that was read. */
export interface CpioHeader {
  /** The file type and the permissions. */
  readonly mode: number;
  /** How many bytes of data the entry has. */
  readonly size: number;
  /** The length of the path with its NUL, in bytes. */
  readonly pathLength: number;
}

/**
 * Encodes everything that precedes an entry's data: header, path and padding.
 *
 * @param ino the inode number
 * @throws StubferryError LIMIT_EXCEEDED: when the path or the data is too long for the format
 */
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

/** Returns the padding that follows an entry's data. @param size the length of the data, in bytes */
export function paddingAfter(size: number): Uint8Array {
  return new Uint8Array(padded(size) - size);
}

/** Encodes the entry that ends an archive. */
export function encodeTrailer(): Uint8Array {
  return encodeEntry({ path: TRAILER, mode: 0, size: 0 }, 0);
}

/** Tells whether a path is the name of the entry that ends an archive. */
export function isTrailer(path: string): boolean {
  return path === TRAILER;
}

/**
 * Decodes a header.
 *
 * @param bytes the {@link HEADER_BYTES} bytes of the header
 * @throws StubferryError NOT_AN_IMAGE: when they are not a header of this format
 */
export function decodeHeader(bytes: Uint8Array): CpioHeader {
  const text = String.fromCharCode(...bytes.subarray(0, HEADER_BYTES));
  if (!text.startsWith(MAGIC)) throw notCpio(`no header that begins with ${MAGIC}`);
  const fields = /^[0-9a-f]{104}$/i.test(text.slice(MAGIC.length)) ? text.slice(MAGIC.length) : undefined;
  if (fields === undefined) throw notCpio('a header with characters that are not hexadecimal digits');
  const number = (index: number): number => Number.parseInt(fields.slice(index * 8, index * 8 + 8), 16);
  const [mode, size, pathLength] = [number(1), number(6), number(11)];
  if (pathLength < 2 || pathLength > LONGEST_PATH) throw notCpio(`a path of ${pathLength} bytes`);
  return { mode, size, pathLength };
}

/**
 * Decodes a path.
 *
 * @param bytes the path with its NUL
 * @throws StubferryError NOT_AN_IMAGE: when the only NUL is not at the end, or the path is not UTF-8
 */
export function decodePath(bytes: Uint8Array): string {
  if (bytes.indexOf(0) !== bytes.length - 1) throw notCpio('a path whose only NUL is not at its end');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, -1));
  } catch (cause) {
    throw notCpio('a path that is not UTF-8', cause);
  }
}

/** Rounds a length up to the next offset at which a header or data can begin. */
export function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function tooLarge(where: string, found: string): StubferryError {
  return new StubferryError('LIMIT_EXCEEDED', 'the ramdisk cannot hold this file', { where, found });
}

/** The error for a file that is not a ramdisk of a stubdom. */
export function notCpio(found: string, cause?: unknown): StubferryError {
  return new StubferryError('NOT_AN_IMAGE', 'the file is not a ramdisk of a stubdom', {
    expected: "a ramdisk from 'stubferry image build': a cpio archive in the newc format",
    found,
    cause,
  });
}
