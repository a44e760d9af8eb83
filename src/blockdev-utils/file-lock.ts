/**
 * Exclusive locks by flock(2). The kernel releases a lock when its process ends.
 *
 * The fcntl locks of fs-ext are not used: tests showed that they do not work.
 */
import { close, constants, open } from 'node:fs';
import fsExt from 'fs-ext';
import { errnoOf, StubferryError } from '../base/errors/index.js';

/** A lock that this process holds. */
export interface FileLock {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * Locks the file or device at `path` without waiting.
 * @param create whether to create the file (mode 0600) when it does not exist
 * @throws StubferryError DISK_LOCKED: when another process holds the lock
 * @throws StubferryError DISK_IO: when the file cannot be opened
 */
export async function lockExclusive(path: string, { create = false } = {}): Promise<FileLock> {
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | (create ? constants.O_CREAT : 0);
  const fd = await new Promise<number>((resolve, reject) => {
    open(path, flags, 0o600, (error, opened) => (error === null ? resolve(opened) : reject(lockError(path, error))));
  });
  const release = (): Promise<void> => new Promise((resolve) => close(fd, () => resolve()));
  try {
    fsExt.flockSync(fd, 'exnb');
  } catch (error) {
    await release();
    throw lockError(path, error);
  }
  return { path, release };
}

/**
 * Locks an open file without waiting. Closing the descriptor releases the lock.
 * @returns whether the file was locked; false when another process holds the lock
 * @throws the error of flock(2), for example where the file system does not support locks
 */
export function tryLock(fd: number): boolean {
  try {
    fsExt.flockSync(fd, 'exnb');
    return true;
  } catch (error) {
    if (isHeld(error)) return false;
    throw error;
  }
}

/** Whether a process holds the lock of `path`. It is false when the file does not exist. */
export async function isLocked(path: string): Promise<boolean> {
  try {
    await (await lockExclusive(path)).release();
    return false;
  } catch (error) {
    return error instanceof StubferryError && error.code === 'DISK_LOCKED';
  }
}

function isHeld(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'EAGAIN' || errno === 'EWOULDBLOCK';
}

function lockError(path: string, cause: unknown): StubferryError {
  const errno = errnoOf(cause);
  if (isHeld(cause)) {
    return new StubferryError('DISK_LOCKED', 'another live agent holds this lock', {
      where: path,
      expected: 'no other agent in this role',
      found: 'an flock held by a live process (see: fuser or lslocks)',
      hint: 'wait for the other transfer to end, or stop that agent',
      cause,
    });
  }
  return new StubferryError('DISK_IO', 'cannot open the file to lock it', { where: path, found: errno, cause });
}
