/** The ramdisk: what Linux unpacks, and what mounts the system from there. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { encodeEntry, encodeTrailer, paddingAfter, S_IFDIR, S_IFREG } from './cpio/newc.js';

/** A file of the ramdisk: in memory, or on this machine. */
export interface RamdiskFile {
  /** Without a leading `/`. */
  readonly path: string;
  readonly executable: boolean;
  readonly content: Buffer | { readonly source: string; readonly bytes: number };
}

/** Writes the archive: the files in the order of their paths, each folder before what is in it. */
export async function writeRamdisk(destination: string, files: readonly RamdiskFile[]): Promise<void> {
  const folders = new Set(files.flatMap(({ path }) => foldersOf(path)));
  const entries = [
    ...[...folders].map((path) => ({ path, mode: S_IFDIR | 0o755, content: Buffer.alloc(0) })),
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

function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === '.' ? [] : [...foldersOf(folder), folder];
}
