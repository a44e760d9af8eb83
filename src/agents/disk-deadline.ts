/**
 * Time limits for operations on a disk that run before its link is open and after the link is closed. An open link
 * detects hung requests itself.
 */

import { StubferryError } from '../base/errors/index.js';
import { atMost, systemClock } from '../base/time/index.js';
import { untilAborted } from '../base/time/until-aborted.js';
import type { BlockDevice } from '../blockdev-utils/index.js';
import type { AgentContext } from './agent-context.js';

/**
 * Waits for an operation on a disk, but no longer than `timeouts.deviceMs`.
 *
 * @param path the disk, for messages
 * @param work the operation
 * @param release releases the result of `work` when it arrives too late
 * @throws StubferryError DISK_HUNG: when the operation takes too long; otherwise the error of `work`, or the reason of
 * the signal
 */
export async function withDiskDeadline<T>(
  path: string,
  { timeouts, signal }: Pick<AgentContext, 'timeouts' | 'signal'>,
  work: Promise<T>,
  release: (late: T) => Promise<void> = async () => undefined,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(hung(path, timeouts.deviceMs)), timeouts.deviceMs);
  });
  try {
    return await untilAborted(signal, Promise.race([work, late]));
  } catch (error) {
    work.then(release).catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits for `work`, which releases `device`. In a file system that hangs, closing and removing a file can hang as well.
 * When the time is up, the function logs that and returns. The release then ends when the disk responds, or with the
 * process.
 */
export async function releaseDisk(
  device: Pick<BlockDevice, 'path' | 'stalledFor'>,
  { timeouts, log }: Pick<AgentContext, 'timeouts' | 'log'>,
  work: Promise<unknown>,
): Promise<void> {
  // The oldest pending request has used up a part of the time already.
  const left = Math.max(0, timeouts.deviceMs - device.stalledFor());
  const isDone = await atMost(systemClock, left, work);
  if (!isDone)
    log.warn({ disk: device.path }, 'the transfer disk does not respond: the agent does not wait for its release');
}

function hung(path: string, limit: number): StubferryError {
  return new StubferryError('DISK_HUNG', 'the transfer disk does not respond', {
    where: path,
    expected: `a response within ${limit} ms`,
    found: 'none',
    hint: 'check the backing store and the kernel logs of both sides',
  });
}
