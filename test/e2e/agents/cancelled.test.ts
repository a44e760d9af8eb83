import { describe, expect, it, jest } from '@jest/globals';
import { restoreByHand, saveByHand } from '../../support/agents/by-hand.js';
import { feed, PatternState } from '../../support/cli/feed.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();
jest.setTimeout(60_000);

const state = new PatternState(16 * 1024 * 1024, 1, 64 * 1024);

describe.each(['save', 'restore'] as const)('an agent that receives SIGTERM in the middle of a %s', (direction) => {
  it.each([
    ['dom0', 'stubdom'],
    ['stubdom', 'dom0'],
  ] as const)('the %s agent is CANCELLED, the %s agent is notified, and nothing is left behind', async (one, other) => {
    const start = direction === 'save' ? saveByHand : restoreByHand;
    const pair = start(scratch, '-', scratch.path('out'));
    const feeding = direction === 'save' ? pair.stubdom : pair.dom0;
    void feed(feeding.child.stdin, state.chunks(), { pauseMs: 20 });
    await Promise.all([pair.dom0.moving, pair.stubdom.moving]);
    pair[one].child.kill('SIGTERM');
    expect(await pair[one].end).toMatchObject({
      exit: 130,
      error: { code: 'CANCELLED', message: 'stopped by SIGTERM', hint: 'run the command again' },
    });
    const role = (one === 'dom0') === (direction === 'save') ? 'receiver' : 'sender';
    expect(await pair[other].end).toMatchObject({
      exit: 38,
      error: { code: 'PEER_ABORTED', message: `the ${role} gave up: CANCELLED: stopped by SIGTERM` },
    });
    expect(scratch.has('out')).toBe(false);
  });
});
