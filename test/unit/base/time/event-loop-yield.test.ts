import { describe, expect, it } from '@jest/globals';
import { EventLoopYield } from '../../../../src/base/time/event-loop-yield.js';
import { VirtualClock } from '../../../support/ring/virtual-clock.js';

/** Whether a timer that was due got its turn while `work` went on. */
async function letsOthersRun(clock: VirtualClock, work: () => Promise<void>): Promise<boolean> {
  let ran = false;
  const cancel = clock.after(0, () => {
    ran = true;
  });
  await work();
  cancel();
  return ran;
}

describe('EventLoopYield', () => {
  it('does not hold up a flow that began a moment ago', async () => {
    const clock = new VirtualClock();
    const turn = new EventLoopYield(clock);
    clock.jump(24);
    expect(await letsOthersRun(clock, () => turn.ifDue())).toBe(false);
  });

  it('lets others run after 25 ms, and then not again at once', async () => {
    const clock = new VirtualClock();
    const turn = new EventLoopYield(clock);
    clock.jump(25);
    expect(await letsOthersRun(clock, () => turn.ifDue())).toBe(true);
    expect(await letsOthersRun(clock, () => turn.ifDue())).toBe(false);
  });
});
