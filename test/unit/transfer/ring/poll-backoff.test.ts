import { describe, expect, it } from '@jest/globals';
import { PollBackoff } from '../../../../src/transfer/ring/index.js';
import { WriteWatch } from '../../../../src/transfer/ring/write-watch.js';
import { faultyDevice } from '../../../support/ring/faulty-device.js';
import { VirtualClock } from '../../../support/ring/virtual-clock.js';

/** A disk that sends a write notification when the test calls `write`. */
function notifyingDisk(): { write: () => void; watches: () => number; writes: WriteWatch } {
  const watchers = new Set<() => void>();
  const device = {
    ...faultyDevice(4096),
    watch: (onWrite: () => void) => {
      watchers.add(onWrite);
      return () => void watchers.delete(onWrite);
    },
  };
  const writes = WriteWatch.over(device);
  if (writes === undefined) throw new Error('the disk notifies of writes');
  return {
    writes,
    watches: () => watchers.size,
    write: () => {
      for (const onWrite of watchers) onWrite();
    },
  };
}

async function skipImmediatePolls(backoff: PollBackoff): Promise<void> {
  await backoff.wait();
  await backoff.wait();
}

describe('the poll back-off', () => {
  it('ends its sleep after a write notification', async () => {
    const clock = new VirtualClock();
    const { writes, write } = notifyingDisk();
    const backoff = new PollBackoff(clock, writes);
    await skipImmediatePolls(backoff);
    const waiting = backoff.wait();
    write();
    await waiting;
    expect(clock.now()).toBeLessThan(1);
  });

  it('does not sleep after a write between the poll and the sleep', async () => {
    const clock = new VirtualClock();
    const { writes, write } = notifyingDisk();
    const backoff = new PollBackoff(clock, writes);
    await skipImmediatePolls(backoff);
    write();
    await backoff.wait();
    expect(clock.now()).toBeLessThan(1);
  });

  it('stops the watch when it is closed', () => {
    const { writes, watches } = notifyingDisk();
    const before = watches();
    writes.close();
    expect([before, watches()]).toEqual([1, 0]);
  });
});
