/** FIFOs, as QEMU and an agent share them. */
import { execFileSync } from 'node:child_process';
import { constants, createReadStream, openSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Creates a FIFO and returns its path. */
export function makeFifo(path: string): string {
  execFileSync('mkfifo', ['-m', '600', path]);
  return path;
}

/** Opens the reading end without waiting for a writer. */
export function readingEnd(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

/** Opens the writing end. The FIFO must have a reader. */
export function writingEnd(path: string): Promise<FileHandle> {
  return open(path, 'w');
}

/** Reads all bytes from a FIFO until its writers have closed it. */
export async function drained(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
