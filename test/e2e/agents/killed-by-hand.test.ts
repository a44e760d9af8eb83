import { readFileSync } from 'node:fs';
import { describe, expect, it, jest } from '@jest/globals';
import type { AgentEnd } from '../../support/agents/agent.js';
import { restoreByHand, saveByHand } from '../../support/agents/by-hand.js';
import { momentOf } from '../../support/agents/moments.js';
import { sha256 } from '../../support/cli/captured-states.js';
import { PatternState } from '../../support/cli/feed.js';
import { stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { forEachBelow, SEED, SeededRandom, withSeed } from '../../support/cli/seeded-random.js';

const scratch = useScratch({ mayLeave: true });
jest.setTimeout(300_000);

const MOMENTS = 20;
const LANES = 3;
const DEADLINE_MS = 30_000;
const STATE = new PatternState(48 * 1024 * 1024);
const STATE_SHA256 = STATE.sha256();
const BOTH = ['--peer-timeout', '1s', '--attach-timeout', '2s', '--ring', '8M', '--no-warm-up'];

/** Exit status to error code: all that the survivor may say. */
const SAYINGS: Readonly<Record<number, string>> = { 20: 'DISK_ABSENT', 35: 'PEER_ABSENT', 36: 'PEER_DEAD' };

async function withinDeadline(end: Promise<AgentEnd>): Promise<AgentEnd> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const say = () => reject(new Error(`it still runs ${DEADLINE_MS} ms after the other one was killed`));
    timer = setTimeout(say, DEADLINE_MS);
  });
  return Promise.race([end, late]).finally(() => clearTimeout(timer));
}

describe.each(['save', 'restore'] as const)('kill -9 in the middle of a %s', (direction) => {
  it.each(['dom0', 'stubdom'] as const)(
    'of the %s agent makes the other one say so, and leaves a whole state or none',
    async (victim) => {
      const random = new SeededRandom(SEED);
      const moments = Array.from({ length: MOMENTS }, (_, index) => momentOf(random, index));
      const said = new Set<string>();
      await forEachBelow(MOMENTS, LANES, async (index) => {
        const moment = moments[index];
        if (moment === undefined) return;
        const out = `out-${index}`;
        const options = { disk: scratch.disk(`${index}.img`), both: BOTH };
        const start = direction === 'save' ? saveByHand : restoreByHand;
        const pair = start(scratch, '-', scratch.path(out), options);
        const [feeding, survivor] = [
          direction === 'save' ? pair.stubdom : pair.dom0,
          victim === 'dom0' ? pair.stubdom : pair.dom0,
        ];
        await moment.come(feeding, Promise.all([pair.dom0.ready, pair.stubdom.ready]), STATE);
        pair[victim].child.kill('SIGKILL');
        await withSeed(SEED, `${index}: ${moment.name}`, async () => {
          const { exit, error } = await withinDeadline(survivor.end);
          if (exit !== 0) expect(error?.code).toBe(SAYINGS[Number(exit)]);
          said.add(error?.code ?? 'done');
          const survivorReceives = (victim === 'dom0') === (direction === 'restore');
          if (exit === 0) expect(scratch.has(out)).toBe(true);
          else if (survivorReceives) expect(scratch.has(out)).toBe(false);
          if (scratch.has(out)) expect(sha256(readFileSync(scratch.path(out)))).toBe(STATE_SHA256);
        });
      });
      expect([...said]).toContain('PEER_DEAD');
    },
  );
});

describe('what a killed dom0 agent leaves at the destination', () => {
  it('is swept away by the next save to the same name', async () => {
    const { dom0, stubdom } = saveByHand(scratch, '-', scratch.path('out'), { both: BOTH });
    const moment = momentOf(new SeededRandom(1), 2);
    await moment.come(stubdom, stubdom.ready, STATE);
    await dom0.moving;
    dom0.child.kill('SIGKILL');
    await stubdom.end;
    const parts = async () => (await scratch.orphans()).filter((name) => name.endsWith('.part'));
    expect(await parts()).toHaveLength(1);
    const args = ['save', '--opaque', '-i', '/proc/self/status', '-o', scratch.path('out')];
    expect((await stubferry([...args, ...scratch.options])).exit).toBe(0);
    expect(await parts()).toEqual([]);
  });
});
