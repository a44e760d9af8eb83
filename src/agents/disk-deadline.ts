/** A limit on what is asked of a disk before its link, with its own watch over hung requests, is there. */
import { StubferryError } from '../errors/index.js';
import type { AgentContext } from './agent-context.js';
import { untilAborted } from './until-aborted.js';

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

function hung(path: string, limit: number): StubferryError {
  return new StubferryError('DISK_HUNG', 'the transfer disk does not answer', {
    where: path,
    expected: `an answer within ${limit} ms`,
    found: 'none',
    hint: 'look at the backing store and at the kernel logs of both sides',
  });
}
