import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { momentOf } from '../../support/agents/moments.js';
import { agentOf } from '../../support/cli/agents-of-pair.js';
import { sha256 } from '../../support/cli/captured-states.js';
import { PatternState } from '../../support/cli/feed.js';
import { failureOf, type Started, startStubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { forEachBelow, SEED, SeededRandom, withSeed } from '../../support/cli/seeded-random.js';

const scratch = useScratch();
jest.setTimeout(300_000);

const MOMENTS = 20;
const LANES = 3;
const STATE = new PatternState(48 * 1024 * 1024);
const STATE_SHA256 = STATE.sha256();
const OPTIONS = ['--json', '--opaque', '--peer-timeout', '1s', '--attach-timeout', '5s', '--log-level', 'silent'];

/** Resolves when both agents have opened the transfer disk; the stubdom agent holds its role lock then. */
const bothAttached = async (pair: Started): Promise<void> => {
  await agentOf(pair, 'stubdom');
  await delay(1000);
};

describe.each(['save', 'restore'] as const)('stubferry %s with a killed agent', (direction) => {
  it.each(['dom0', 'stubdom'])(
    'fails with AGENT_DIED or has already completed when the %s agent is killed, and leaves nothing else',
    async (victim) => {
      const random = new SeededRandom(SEED);
      const moments = Array.from({ length: MOMENTS }, (_, index) => momentOf(random, index));
      let failed = 0;
      await forEachBelow(MOMENTS, LANES, async (index) => {
        const moment = moments[index];
        if (moment === undefined) return;
        const out = `out-${index}`;
        const input = direction === 'save' ? ['save', '--raw', '-i', '-'] : ['restore', '-'];
        const args = [...input, '-o', scratch.path(out), ...OPTIONS, ...scratch.options];
        const pair = startStubferry(args, { stdin: 'pipe' });
        const pid = await agentOf(pair, victim);
        await moment.reach(pair, bothAttached(pair), STATE);
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // The transfer completed before the moment to kill the agent.
        }
        await withSeed(SEED, `${index}: ${moment.name}`, async () => {
          const ended = await pair.ended;
          if (ended.exit !== 0) {
            failed += 1;
            const failure = failureOf(ended);
            expect(failure).toMatchObject({ exit: 50, code: 'AGENT_DIED' });
            expect(failure.message).toContain(`the ${victim} agent was terminated by SIGKILL`);
          }
          expect(scratch.has(out)).toBe(ended.exit === 0);
          if (ended.exit === 0) expect(sha256(readFileSync(scratch.path(out)))).toBe(STATE_SHA256);
        });
      });
      expect(failed).toBeGreaterThan(0);
    },
  );
});

describe('stubferry restore into a FIFO with a killed stubdom agent', () => {
  it('leaves no spool', async () => {
    const args = ['restore', '-', '-o', scratch.fifo('incoming'), ...OPTIONS, ...scratch.options];
    const pair = startStubferry(args, { stdin: 'pipe' });
    const pid = await agentOf(pair, 'stubdom');
    await momentOf(new SeededRandom(1), 2).reach(pair, bothAttached(pair), STATE);
    process.kill(pid, 'SIGKILL');
    expect(failureOf(await pair.ended)).toMatchObject({ exit: 50, code: 'AGENT_DIED' });
    expect(await scratch.orphans()).toEqual([]);
  });
});
