import { describe, expect, it } from '@jest/globals';
import { PollBackoff } from '../../../../src/transfer/ring/index.js';
import { WriteWatch } from '../../../../src/transfer/ring/write-watch.js';
import { faultyDevice } from '../../../support/ring/faulty-device.js';
import { VirtualClock } from '../../../support/ring/virtual-clock.js';

/** A disk that tells of writes when the test says so. */
function telling(): { write: () => void; watches: () => number; writes: WriteWatch } {
  const watchers = new Set<() => void>();
  const device = {
    ...faultyDevice(4096),
    watch: (onWrite: () => void) => {
      watchers.add(onWrite);
      return () => void watchers.delete(onWrite);
    },
  };
  const writes = WriteWatch.over(device);
  if (writes === undefined) throw new Error('it tells');
  return {
    writes,
    watches: () => watchers.size,
    write: () => {
      for (const told of watchers) told();
    },
  };
}

async function atTheTop(pace: PollBackoff): Promise<void> {
  await pace.wait();
  await pace.wait();
}

describe('the waiting ladder', () => {
  it('is woken by a write', async () => {
    const clock = new VirtualClock();
    const { writes, write } = telling();
    const pace = new PollBackoff(clock, writes);
    await atTheTop(pace);
    const waiting = pace.wait();
    write();
    await waiting;
    expect(clock.now()).toBeLessThan(1);
  });

  it('looks again at once when there was a write between its look and its sleep', async () => {
    const clock = new VirtualClock();
    const { writes, write } = telling();
    const pace = new PollBackoff(clock, writes);
    await atTheTop(pace);
    write();
    await pace.wait();
    expect(clock.now()).toBeLessThan(1);
  });

  it('ends its watch with the link', () => {
    const { writes, watches } = telling();
    const before = watches();
    writes.close();
    expect([before, watches()]).toEqual([1, 0]);
  });
});
