/** A folder for what QEMU writes into: its owner alone can enter it, so nobody else can put something in its place. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, StubferryError } from '../../base/errors/index.js';

/** @throws StubferryError CAPTURE_LOST */
export async function makeFolder(parent: string): Promise<string> {
  try {
    return await mkdtemp(join(parent, 'stubferry-qemu-'));
  } catch (cause) {
    throw new StubferryError('CAPTURE_LOST', 'cannot make a folder for QEMU to write into', {
      where: parent,
      found: errnoOf(cause),
      hint: 'name a folder that is there and writable with --fifo-dir, or --transfer-dir of stubferry save',
      cause,
    });
  }
}
