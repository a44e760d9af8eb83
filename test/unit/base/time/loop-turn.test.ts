import { describe, expect, it } from '@jest/globals';
import { LoopTurn } from '../../../../src/base/time/loop-turn.js';
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

describe('LoopTurn', () => {
  it('does not hold up a flow that began a moment ago', async () => {
    const clock = new VirtualClock();
    const turn = new LoopTurn(clock);
    clock.jump(24);
    expect(await letsOthersRun(clock, () => turn.whenDue())).toBe(false);
  });

  it('lets others run after 25 ms, and then not again at once', async () => {
    const clock = new VirtualClock();
    const turn = new LoopTurn(clock);
    clock.jump(25);
    expect(await letsOthersRun(clock, () => turn.whenDue())).toBe(true);
    expect(await letsOthersRun(clock, () => turn.whenDue())).toBe(false);
  });
});
