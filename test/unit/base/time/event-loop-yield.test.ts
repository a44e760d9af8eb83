import { describe, expect, it } from '@jest/globals';
import { EventLoopYield } from '../../../../src/base/time/event-loop-yield.js';
import { VirtualClock } from '../../../support/ring/virtual-clock.js';

/** Whether a timer that was due ran during `work`. */
async function letsTimersRun(clock: VirtualClock, work: () => Promise<void>): Promise<boolean> {
  let ran = false;
  const cancel = clock.after(0, () => {
    ran = true;
  });
  await work();
  cancel();
  return ran;
}

describe('EventLoopYield', () => {
  it('does not yield before 25 ms have passed', async () => {
    const clock = new VirtualClock();
    const loop = new EventLoopYield(clock);
    clock.jump(24);
    expect(await letsTimersRun(clock, () => loop.ifDue())).toBe(false);
  });

  it('yields after 25 ms, and does not yield again immediately', async () => {
    const clock = new VirtualClock();
    const loop = new EventLoopYield(clock);
    clock.jump(25);
    expect(await letsTimersRun(clock, () => loop.ifDue())).toBe(true);
    expect(await letsTimersRun(clock, () => loop.ifDue())).toBe(false);
  });
});
