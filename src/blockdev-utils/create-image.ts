/** Creates the file that backs a transfer disk. */
import { constants } from 'node:fs';
import { open, statfs, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, StubferryError } from '../base/errors/index.js';

/**
 * Creates a sparse file of `size` bytes with mode 0600. It never opens an existing file and never follows a symbolic
 * link.
 *
 * It checks the free space first, because a sparse file that cannot be filled would fail in the middle of a transfer.
 * @throws StubferryError DISK_EXISTS: when the file exists
 * @throws StubferryError DISK_NO_SPACE: when fewer than `size` bytes are free
 * @throws StubferryError DISK_IO: when the file cannot be created for another reason
 */
export async function createImage(path: string, size: number): Promise<void> {
  const directory = dirname(path);
  const freeBytes = await statfs(directory).then(
    ({ bavail, bsize }) => bavail * bsize,
    (cause: unknown) => {
      throw imageError(path, cause);
    },
  );
  if (freeBytes < size) {
    throw new StubferryError('DISK_NO_SPACE', 'not enough space for the transfer disk', {
      where: directory,
      expected: `${size} bytes free`,
      found: `${freeBytes} bytes free`,
      hint: 'use a smaller --ring, or another directory',
    });
  }
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(path, flags, 0o600).catch((cause: unknown) => {
    throw imageError(path, cause);
  });
  try {
    await file.truncate(size);
  } catch (cause) {
    await unlink(path);
    throw imageError(path, cause);
  } finally {
    await file.close();
  }
}

function imageError(path: string, cause: unknown): StubferryError {
  const errno = errnoOf(cause);
  if (errno === 'EEXIST') {
    return new StubferryError('DISK_EXISTS', 'the transfer disk already exists', {
      where: path,
      hint: 'another dom0 agent may be using it; if none is, remove the file',
      cause,
    });
  }
  return new StubferryError(errno === 'ENOSPC' ? 'DISK_NO_SPACE' : 'DISK_IO', 'cannot create the transfer disk', {
    where: path,
    found: errno,
    cause,
  });
}
