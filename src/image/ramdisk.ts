/** Writes the ramdisk: the cpio archive that Linux unpacks, with the initramfs and the compressed root file system. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { encodeEntry, encodeTrailer, paddingAfter, S_IFDIR, S_IFREG } from './cpio/newc.js';

/** A file of the ramdisk. */
export interface RamdiskFile {
  /** The path, without a leading `/`. */
  readonly path: string;
  readonly executable: boolean;
  /** The bytes, or a file on this machine and its length in bytes. */
  readonly content: Buffer | { readonly source: string; readonly bytes: number };
}

/** Writes the archive. Entries are sorted by path, so that each directory precedes its files. */
export async function writeRamdisk(destination: string, files: readonly RamdiskFile[]): Promise<void> {
  const directories = new Set(files.flatMap(({ path }) => directoriesOf(path)));
  const entries = [
    ...[...directories].map((path) => ({ path, mode: S_IFDIR | 0o755, content: Buffer.alloc(0) })),
    ...files.map(({ path, executable, content }) => ({ path, mode: S_IFREG | (executable ? 0o755 : 0o644), content })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  const output = await open(destination, 'wx', 0o644);
  try {
    for (const [index, { path, mode, content }] of entries.entries()) {
      const size = Buffer.isBuffer(content) ? content.length : content.bytes;
      await output.writeFile(encodeEntry({ path, mode, size }, index + 1));
      const chunks = Buffer.isBuffer(content) ? [content] : (createReadStream(content.source) as AsyncIterable<Buffer>);
      for await (const chunk of chunks) await output.writeFile(chunk);
      await output.writeFile(paddingAfter(size));
    }
    await output.writeFile(encodeTrailer());
    await output.sync();
  } finally {
    await output.close();
  }
}

function directoriesOf(path: string): string[] {
  const directory = dirname(path);
  return directory === '.' ? [] : [...directoriesOf(directory), directory];
}
