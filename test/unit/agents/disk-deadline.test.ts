/** A result that arrives too late is released: an open device would prevent the disk from being detached. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { releaseDisk, withDiskDeadline } from '../../../src/agents/disk-deadline.js';
import { StubferryError } from '../../../src/base/errors/index.js';
import { DEFAULT_TIMEOUTS } from '../../../src/transfer/ring/index.js';
import { SILENT_LOG } from '../../support/agents/silent-log.js';

/** An operation on a disk that ends when the test calls `finish`. */
function pendingWork(): { work: Promise<string>; finish: (text: string) => void } {
  let finish: (text: string) => void = () => undefined;
  const work = new Promise<string>((resolve) => {
    finish = resolve;
  });
  return { work, finish };
}

describe('an operation on a disk', () => {
  const timeouts = { ...DEFAULT_TIMEOUTS, deviceMs: 20 };

  it('succeeds when the disk responds, and its result is not released', async () => {
    const released: string[] = [];
    const release = async (late: string): Promise<void> => void released.push(late);
    const context = { timeouts, signal: new AbortController().signal };
    expect(await withDiskDeadline('/disk', context, Promise.resolve('a device'), release)).toBe('a device');
    expect(released).toEqual([]);
  });

  it('fails with DISK_HUNG when the disk does not respond in time, and a late result is released', async () => {
    const { work, finish } = pendingWork();
    const released = new Promise((resolve) => {
      const context = { timeouts, signal: new AbortController().signal };
      const outcome = withDiskDeadline('/disk', context, work, async (late) => resolve(late));
      expect(outcome)
        .rejects.toMatchObject({ code: 'DISK_HUNG', details: { where: '/disk' } })
        .then(() => finish('late'));
    });
    expect(await released).toBe('late');
  });

  it('fails with the reason of the signal, and a late result is released', async () => {
    const { work, finish } = pendingWork();
    const controller = new AbortController();
    const released = new Promise((resolve) => {
      const context = { timeouts, signal: controller.signal };
      const outcome = withDiskDeadline('/disk', context, work, async (late) => resolve(late));
      expect(outcome)
        .rejects.toMatchObject({ code: 'CANCELLED' })
        .then(() => finish('late'));
    });
    controller.abort(new StubferryError('CANCELLED', 'the toolstack is gone'));
    expect(await released).toBe('late');
  });
});

describe('the release of a disk', () => {
  const warned: object[] = [];
  const log = { ...SILENT_LOG, warn: (fields: object) => void warned.push(fields) };
  const timeouts = { ...DEFAULT_TIMEOUTS, deviceMs: 20 };
  const disk = (stalled: number) => ({ path: '/disk', stalledFor: () => stalled });
  afterEach(() => void warned.splice(0));

  it('logs nothing when the disk responds', async () => {
    await releaseDisk(disk(0), { timeouts, log }, Promise.resolve());
    expect(warned).toEqual([]);
  });

  it.each([0, 30])(
    'ends in time and logs a warning when the disk has not responded for %i ms and does not respond',
    async (stalled) => {
      await releaseDisk(disk(stalled), { timeouts, log }, pendingWork().work);
      expect(warned).toEqual([{ disk: '/disk' }]);
    },
  );
});
