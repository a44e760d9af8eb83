/** FIFOs as QEMU and an agent share them. */
import { execFileSync } from 'node:child_process';
import { constants, createReadStream, openSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Makes one; returns its path. */
export function makeFifo(path: string): string {
  execFileSync('mkfifo', ['-m', '600', path]);
  return path;
}

/** Its reading end, at once. */
export function readingEnd(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

/** Its writing end; there must be a reader. */
export function writingEnd(path: string): Promise<FileHandle> {
  return open(path, 'w');
}

/** Everything that comes out of it until its writers are gone. */
export async function drained(path: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of createReadStream(path)) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
