import { writeFile } from 'node:fs/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { startAgent } from '../../support/agents/agent.js';
import { restoreByHand, saveByHand } from '../../support/agents/by-hand.js';
import { feed, PatternState } from '../../support/cli/feed.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();
jest.setTimeout(60_000);

const state = new PatternState(16 * 1024 * 1024, 1, 64 * 1024);
const both = ['--peer-timeout', '1s'];

describe('an agent that is stopped with SIGSTOP in the middle of the data', () => {
  it('in dom0 is PEER_DEAD to the stubdom, and fails with PEER_ABORTED when it continues', async () => {
    const { dom0, stubdom } = saveByHand(scratch, '-', scratch.path('out'), { both });
    void feed(stubdom.child.stdin, state.chunks(), { pauseMs: 30 });
    await stubdom.moving;
    dom0.child.kill('SIGSTOP');
    const dead = await stubdom.end;
    expect(dead).toMatchObject({
      exit: 36,
      error: {
        code: 'PEER_DEAD',
        message: 'the receiver stopped',
        expected: 'a heartbeat at least every 1000 ms',
      },
    });
    expect(dead.error?.found).toMatch(/^none; its last status was (ready|receiving), \d+ bytes into the state$/);
    dom0.child.kill('SIGCONT');
    expect(await dom0.end).toMatchObject({
      exit: 38,
      error: { code: 'PEER_ABORTED', message: 'the sender gave up: PEER_DEAD: the receiver stopped' },
    });
    expect(scratch.has('out')).toBe(false);
  });

  it('in the stubdom is PEER_DEAD to dom0, and fails with PEER_ABORTED when it continues', async () => {
    const { dom0, stubdom } = saveByHand(scratch, '-', scratch.path('out'), { both });
    void feed(stubdom.child.stdin, state.chunks(), { pauseMs: 30 });
    await dom0.moving;
    stubdom.child.kill('SIGSTOP');
    expect(await dom0.end).toMatchObject({
      exit: 36,
      error: { code: 'PEER_DEAD', message: 'the sender stopped' },
    });
    stubdom.child.kill('SIGCONT');
    expect(await stubdom.end).toMatchObject({
      exit: 38,
      error: { code: 'PEER_ABORTED', message: 'the receiver gave up: PEER_DEAD: the sender stopped' },
    });
    expect(scratch.has('out')).toBe(false);
  });

  it('for less than the timeout does not affect the transfer', async () => {
    const { dom0, stubdom } = saveByHand(scratch, '-', scratch.path('out'));
    const fed = feed(stubdom.child.stdin, state.chunks(), { pauseMs: 5 });
    await stubdom.moving;
    for (const agent of [dom0, stubdom]) {
      agent.child.kill('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 1000));
      agent.child.kill('SIGCONT');
    }
    await fed;
    expect(await dom0.end).toMatchObject({ exit: 0, report: { sha256: state.sha256() } });
    expect((await stubdom.end).exit).toBe(0);
  });
});

describe('a source that stops providing data in the middle', () => {
  const options = { both: ['--progress-timeout', '1s'] };
  const message = 'the sender is alive but sends nothing';

  it('is NO_PROGRESS to the receiver of a save, and the sender is notified', async () => {
    const { dom0, stubdom } = saveByHand(scratch, '-', scratch.path('out'), options);
    await feed(stubdom.child.stdin, [Buffer.from('the beginning of a state')], { keepOpen: true });
    expect(await dom0.end).toMatchObject({
      exit: 39,
      error: { code: 'NO_PROGRESS', message, expected: 'a frame within 1000 ms' },
    });
    expect(await stubdom.end).toMatchObject({
      exit: 38,
      error: { code: 'PEER_ABORTED', message: `the receiver gave up: NO_PROGRESS: ${message}` },
    });
    expect(scratch.has('out')).toBe(false);
  });

  it('is NO_PROGRESS to the receiver of a restore, and the sender is notified', async () => {
    const { dom0, stubdom } = restoreByHand(scratch, '-', scratch.path('out'), options);
    await feed(dom0.child.stdin, [Buffer.from('the beginning of a state')], { keepOpen: true });
    expect(await stubdom.end).toMatchObject({ exit: 39, error: { code: 'NO_PROGRESS', message } });
    expect(await dom0.end).toMatchObject({ exit: 38, error: { code: 'PEER_ABORTED' } });
  });

  it('may take longer than that before its first byte', async () => {
    const { dom0, stubdom } = saveByHand(scratch, '-', scratch.path('out'), options);
    // Without --opaque, the sender waits for the first bytes before it sends BEGIN.
    await Promise.all([dom0.ready, stubdom.ready]);
    expect(dom0.events.map(({ event }) => event)).toEqual(['attached', 'ready']);
    await feed(stubdom.child.stdin, [Buffer.from('late')]);
    expect([(await dom0.end).exit, (await stubdom.end).exit]).toEqual([0, 0]);
  });
});

describe('an agent that never starts', () => {
  it('in the stubdom is PEER_ABSENT to a dom0 that receives', async () => {
    const args = ['--disk', scratch.disk(), '--save', scratch.path('out'), '--attach-timeout', '1s'];
    expect(await startAgent('dom0', args).end).toMatchObject({
      exit: 35,
      error: {
        code: 'PEER_ABSENT',
        message: 'no sender opened the transfer disk',
        where: scratch.disk(),
        expected: 'a sender within 1000 ms',
        found: 'a blank control block',
      },
    });
  });

  it('in the stubdom is PEER_ABSENT to a dom0 that sends', async () => {
    await writeFile(scratch.path('given'), 'state');
    const args = ['--disk', scratch.disk(), '--restore', scratch.path('given'), '--opaque'];
    expect(await startAgent('dom0', [...args, '--attach-timeout', '1s']).end).toMatchObject({
      exit: 35,
      error: { code: 'PEER_ABSENT', message: 'no receiver opened the transfer disk' },
    });
  });
});
