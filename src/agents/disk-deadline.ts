/** Limits on what is asked of a disk before its link, with its own watch over hung requests, is there, and after it. */

import { StubferryError } from '../base/errors/index.js';
import { atMost, systemClock } from '../base/time/index.js';
import { untilAborted } from '../base/time/until-aborted.js';
import type { BlockDevice } from '../blockdev-utils/index.js';
import type { AgentContext } from './agent-context.js';

/**
 * `work` on the disk at `path`.
 *
 * @param release lets go of what `work` brings when it is not waited for any more
 * @throws StubferryError DISK_HUNG when it takes too long; the reason of an abort
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
 * `work` that lets go of `device`: a file system that hangs holds up a close and an unlink as well. What does not answer in time is left to
 * itself, and goes when it answers, or with the process.
 */
export async function releaseDisk(
  device: Pick<BlockDevice, 'path' | 'stalledFor'>,
  { timeouts, log }: Pick<AgentContext, 'timeouts' | 'log'>,
  work: Promise<unknown>,
): Promise<void> {
  // Of the time that one request has, the oldest has had its part.
  const left = Math.max(0, timeouts.deviceMs - device.stalledFor());
  const isDone = await atMost(systemClock, left, work);
  if (!isDone) log.warn({ disk: device.path }, 'the transfer disk does not answer: it is not waited for any more');
}

function hung(path: string, limit: number): StubferryError {
  return new StubferryError('DISK_HUNG', 'the transfer disk does not answer', {
    where: path,
    expected: `an answer within ${limit} ms`,
    found: 'none',
    hint: 'look at the backing store and at the kernel logs of both sides',
  });
}
