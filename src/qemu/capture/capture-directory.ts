/**
 * The directory of the FIFO or socket that QEMU writes to. Only its owner can enter it, so no other user can replace
 * them.
 */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, StubferryError } from '../../base/errors/index.js';

/** Creates the directory in `parent` and returns its path. @throws StubferryError CAPTURE_LOST */
export async function makeDirectory(parent: string): Promise<string> {
  try {
    return await mkdtemp(join(parent, 'stubferry-qemu-'));
  } catch (cause) {
    throw new StubferryError('CAPTURE_LOST', 'cannot create a directory for the FIFO or socket of QEMU', {
      where: parent,
      found: errnoOf(cause),
      hint: 'name an existing, writable directory with --fifo-dir, or with --transfer-dir of stubferry save',
      cause,
    });
  }
}
