/** What a disk brings when it is not waited for any more, is let go of: an open device would keep the disk from being detached. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { releaseDisk, withDiskDeadline } from '../../../src/agents/disk-deadline.js';
import { StubferryError } from '../../../src/base/errors/index.js';
import { DEFAULT_TIMEOUTS } from '../../../src/transfer/ring/index.js';
import { SILENT_LOG } from '../../support/agents/silent-log.js';

/** Work on a disk that answers when the test says so. */
function pendingWork(): { work: Promise<string>; answer: (text: string) => void } {
  let answer: (text: string) => void = () => undefined;
  const work = new Promise<string>((resolve) => {
    answer = resolve;
  });
  return { work, answer };
}

describe('work on a disk', () => {
  const timeouts = { ...DEFAULT_TIMEOUTS, deviceMs: 20 };

  it('is done when the disk answers, and what it brings is kept', async () => {
    const released: string[] = [];
    const release = async (late: string): Promise<void> => void released.push(late);
    const context = { timeouts, signal: new AbortController().signal };
    expect(await withDiskDeadline('/disk', context, Promise.resolve('a device'), release)).toBe('a device');
    expect(released).toEqual([]);
  });

  it('is DISK_HUNG when the disk does not answer in time; what comes after that is let go of', async () => {
    const { work, answer } = pendingWork();
    const released = new Promise((resolve) => {
      const context = { timeouts, signal: new AbortController().signal };
      const outcome = withDiskDeadline('/disk', context, work, async (late) => resolve(late));
      expect(outcome)
        .rejects.toMatchObject({ code: 'DISK_HUNG', details: { where: '/disk' } })
        .then(() => answer('late'));
    });
    expect(await released).toBe('late');
  });

  it('ends with the reason of an abort; what comes after that is let go of', async () => {
    const { work, answer } = pendingWork();
    const controller = new AbortController();
    const released = new Promise((resolve) => {
      const context = { timeouts, signal: controller.signal };
      const outcome = withDiskDeadline('/disk', context, work, async (late) => resolve(late));
      expect(outcome)
        .rejects.toMatchObject({ code: 'CANCELLED' })
        .then(() => answer('late'));
    });
    controller.abort(new StubferryError('CANCELLED', 'the toolstack is gone'));
    expect(await released).toBe('late');
  });
});

describe('letting go of a disk', () => {
  const warned: object[] = [];
  const log = { ...SILENT_LOG, warn: (fields: object) => void warned.push(fields) };
  const timeouts = { ...DEFAULT_TIMEOUTS, deviceMs: 20 };
  const disk = (stalled: number) => ({ path: '/disk', stalledFor: () => stalled });
  afterEach(() => void warned.splice(0));

  it('says nothing when the disk answers', async () => {
    await releaseDisk(disk(0), { timeouts, log }, Promise.resolve());
    expect(warned).toEqual([]);
  });

  it.each([0, 30])('ends in time, and says so, when the disk does not answer, nor has for %i ms', async (stalled) => {
    await releaseDisk(disk(stalled), { timeouts, log }, pendingWork().work);
    expect(warned).toEqual([{ disk: '/disk' }]);
  });
});
