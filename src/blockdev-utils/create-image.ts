/** Makes the file that backs a transfer disk. */
import { constants } from 'node:fs';
import { open, statfs, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, StubferryError } from '../base/errors/index.js';

/**
 * Creates a sparse file of `size` bytes, 0600; never opens one that exists, never follows a link.
 * The room is checked first: a sparse file that cannot be filled would fail in the middle of a transfer.
 *
 * @throws StubferryError DISK_EXISTS, DISK_NO_SPACE, DISK_IO
 */
export async function createImage(path: string, size: number): Promise<void> {
  const folder = dirname(path);
  const room = await statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    (cause: unknown) => {
      throw imageError(path, cause);
    },
  );
  if (room < size) {
    throw new StubferryError('DISK_NO_SPACE', 'no room for the transfer disk', {
      where: folder,
      expected: `${size} bytes free`,
      found: `${room} bytes free`,
      hint: 'use a smaller --ring, or another folder',
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
    return new StubferryError('DISK_EXISTS', 'the transfer disk to create exists already', {
      where: path,
      hint: 'another dom0 agent may be using it; when none is, remove the file',
      cause,
    });
  }
  return new StubferryError(errno === 'ENOSPC' ? 'DISK_NO_SPACE' : 'DISK_IO', 'cannot create the transfer disk', {
    where: path,
    found: errno,
    cause,
  });
}
