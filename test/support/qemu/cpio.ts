/** An initramfs: a cpio archive in the "newc" format, which the kernel unpacks into its first file system. */

export interface ArchivedFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** The type and permissions. The default is an executable file. */
  readonly mode?: number;
}

const MAGIC = '070701';
const EXECUTABLE_FILE = 0o100755;
const DIRECTORY = 0o040755;
const TRAILER = 'TRAILER!!!';

/** A directory. It must precede its content in the archive. The kernel creates /dev and / itself. */
export function archivedFolder(name: string): ArchivedFile {
  return { name, bytes: Buffer.alloc(0), mode: DIRECTORY };
}

/** Returns the archive. root owns all files. */
export function cpioArchive(files: readonly ArchivedFile[]): Buffer {
  const entries = files.map(({ name, bytes, mode }, index) => entry(name, bytes, index + 1, mode ?? EXECUTABLE_FILE));
  return Buffer.concat([...entries, entry(TRAILER, Buffer.alloc(0), 0, 0)]);
}

/**
 * An entry: a header of thirteen numbers with eight hex digits each, the name with a terminating zero byte, the bytes.
 */
function entry(name: string, bytes: Buffer, inode: number, mode: number): Buffer {
  const [owner, group, links, modified] = [0, 0, 1, 0];
  const device = [0, 0, 0, 0];
  const numbers = [inode, mode, owner, group, links, modified, bytes.length, ...device, name.length + 1, 0];
  const header = MAGIC + numbers.map((number) => number.toString(16).padStart(8, '0')).join('');
  return Buffer.concat([padded(Buffer.from(`${header}${name}\0`)), padded(bytes)]);
}

/** Pads to a multiple of four bytes. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
