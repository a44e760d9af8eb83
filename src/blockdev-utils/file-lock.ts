/**
 * Exclusive ownership that dies with its process: flock(2). (fs-ext's fcntl locks were measured to be broken.)
 */
import { close, constants, open } from 'node:fs';
import fsExt from 'fs-ext';
import { errnoOf, StubferryError } from '../base/errors/index.js';

/** A held lock. */
export interface FileLock {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * Locks `path`, without waiting.
 *
 * @param create make the file (0600) when it is absent
 * @throws StubferryError DISK_LOCKED when another process holds it, DISK_IO when it cannot be opened
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
 * Takes the lock of an open file, if nobody has it; it goes with the descriptor.
 * @returns whether it was taken
 * @throws the error of flock(2) where there are no locks
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

/** Whether a live process holds the lock of `path`; false for a file that is gone. */
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
  return new StubferryError('DISK_IO', 'cannot open a file to lock it', { where: path, found: errno, cause });
}
