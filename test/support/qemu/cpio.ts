/** An initramfs: a few files in a "newc" cpio archive, which is what the kernel unpacks into its first file system. */

export interface ArchivedFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** Type and permissions; without, an executable file. */
  readonly mode?: number;
}

const MAGIC = '070701';
const EXECUTABLE_FILE = 0o100755;
const FOLDER = 0o040755;
const TRAILER = 'TRAILER!!!';

/** A folder, to be archived before what is in it; the kernel has /dev and / by itself. */
export function archivedFolder(name: string): ArchivedFile {
  return { name, bytes: Buffer.alloc(0), mode: FOLDER };
}

/** All of them root's. */
export function cpioArchive(files: readonly ArchivedFile[]): Buffer {
  const entries = files.map(({ name, bytes, mode }, index) => entry(name, bytes, index + 1, mode ?? EXECUTABLE_FILE));
  return Buffer.concat([...entries, entry(TRAILER, Buffer.alloc(0), 0, 0)]);
}

/** A header of thirteen numbers, eight hex digits each; the name, which ends in a zero byte; the bytes. */
function entry(name: string, bytes: Buffer, inode: number, mode: number): Buffer {
  const [owner, group, links, modified] = [0, 0, 1, 0];
  const device = [0, 0, 0, 0];
  const numbers = [inode, mode, owner, group, links, modified, bytes.length, ...device, name.length + 1, 0];
  const header = MAGIC + numbers.map((number) => number.toString(16).padStart(8, '0')).join('');
  return Buffer.concat([padded(Buffer.from(`${header}${name}\0`)), padded(bytes)]);
}

/** Everything begins at a multiple of four. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
