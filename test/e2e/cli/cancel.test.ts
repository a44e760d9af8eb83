import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { DEVICE_STATE } from '../../support/cli/captured-states.js';
import { feed, PatternState } from '../../support/cli/feed.js';
import { failureOf, startStubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { forEachBelow, SEED, SeededRandom, withSeed } from '../../support/cli/seeded-random.js';

const scratch = useScratch();
jest.setTimeout(180_000);

const save = (name = 'saved'): string[] => {
  return ['--json', 'save', '--opaque', '-o', scratch.path(name), ...scratch.options];
};

describe.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('a save that receives %s', (signal) => {
  const CANCELLED = {
    exit: 130,
    code: 'CANCELLED',
    message: `stopped by ${signal}`,
    hint: 'run the command again',
  };

  it('while it waits for its source exits with status 130 and leaves nothing', async () => {
    const saving = startStubferry(save(), { stdin: 'pipe' });
    await delay(3000);
    saving.child.kill(signal);
    expect(failureOf(await saving.ended)).toMatchObject(CANCELLED);
    expect(scratch.has('saved')).toBe(false);
  });

  it('in the middle of the data exits with status 130 and leaves nothing', async () => {
    const saving = startStubferry(save(), { stdin: 'pipe' });
    const state = new PatternState(64 * 1024 * 1024);
    await feed(saving.child.stdin, state.chunks(), {
      pauseMs: 20,
      onChunk: (count) => void (count === 50 && saving.child.kill(signal)),
    });
    expect(failureOf(await saving.ended)).toMatchObject(CANCELLED);
    expect(scratch.has('saved')).toBe(false);
  });
});

describe('a save that receives SIGTERM at a random moment', () => {
  it('is cancelled or completes, and never leaves a partial output', async () => {
    const random = new SeededRandom(SEED);
    await forEachBelow(24, 2, async (index) => {
      const name = `saved-${index}`;
      const saving = startStubferry(save(name), { stdin: 'pipe' });
      void feed(saving.child.stdin, [DEVICE_STATE.bytes]);
      await delay(random.below(1500));
      saving.child.kill('SIGTERM');
      const ended = await saving.ended;
      await withSeed(SEED, `moment ${index}`, async () => {
        // Before the program installs its signal handlers, a signal ends the process directly.
        if (ended.exit === 'SIGTERM') return;
        if (ended.exit !== 0) expect(failureOf(ended)).toMatchObject({ exit: 130, code: 'CANCELLED' });
        expect(scratch.has(name)).toBe(ended.exit === 0);
      });
    });
  });
});

describe.each([
  ['verify', ['verify', '-']],
  ['inspect', ['inspect', '-']],
  ['agent dom0 --restore', ['agent', 'dom0', '--disk', 'none.img', '--restore', '-']],
])('%s that waits for standard input', (_, args) => {
  it('exits with status 130 on the first SIGTERM', async () => {
    const waiting = startStubferry(['--json', ...args], { stdin: 'pipe', cwd: scratch.folder });
    await delay(2000);
    waiting.child.kill('SIGTERM');
    const ended = await Promise.race([waiting.ended, delay(5000, undefined, { ref: false })]);
    if (ended === undefined) throw new Error('the process still runs 5 s after the signal');
    expect(failureOf(ended)).toMatchObject({ exit: 130, code: 'CANCELLED', message: 'stopped by SIGTERM' });
  });
});
