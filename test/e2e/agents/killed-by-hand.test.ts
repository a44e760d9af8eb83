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

/** The exit statuses and error codes with which the survivor may end. */
const SURVIVOR_CODES: Readonly<Record<number, string>> = { 20: 'DISK_ABSENT', 35: 'PEER_ABSENT', 36: 'PEER_DEAD' };

async function withinDeadline(end: Promise<AgentEnd>): Promise<AgentEnd> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`it still runs ${DEADLINE_MS} ms after the other agent was killed`));
    timer = setTimeout(fail, DEADLINE_MS);
  });
  return Promise.race([end, late]).finally(() => clearTimeout(timer));
}

describe.each(['save', 'restore'] as const)('kill -9 in the middle of a %s', (direction) => {
  it.each(['dom0', 'stubdom'] as const)(
    'of the %s agent makes the other agent fail with a code for that, and leaves a complete state or none',
    async (victim) => {
      const random = new SeededRandom(SEED);
      const moments = Array.from({ length: MOMENTS }, (_, index) => momentOf(random, index));
      const codes = new Set<string>();
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
        await moment.reach(feeding, Promise.all([pair.dom0.ready, pair.stubdom.ready]), STATE);
        pair[victim].child.kill('SIGKILL');
        await withSeed(SEED, `${index}: ${moment.name}`, async () => {
          const { exit, error } = await withinDeadline(survivor.end);
          if (exit !== 0) expect(error?.code).toBe(SURVIVOR_CODES[Number(exit)]);
          codes.add(error?.code ?? 'done');
          const survivorReceives = (victim === 'dom0') === (direction === 'restore');
          if (exit === 0) expect(scratch.has(out)).toBe(true);
          else if (survivorReceives) expect(scratch.has(out)).toBe(false);
          if (scratch.has(out)) expect(sha256(readFileSync(scratch.path(out)))).toBe(STATE_SHA256);
        });
      });
      expect([...codes]).toContain('PEER_DEAD');
    },
  );
});

describe('the temporary file that a killed dom0 agent leaves at the destination', () => {
  it('is removed by the next save to the same name', async () => {
    const { dom0, stubdom } = saveByHand(scratch, '-', scratch.path('out'), { both: BOTH });
    const moment = momentOf(new SeededRandom(1), 2);
    await moment.reach(stubdom, stubdom.ready, STATE);
    await dom0.moving;
    dom0.child.kill('SIGKILL');
    await stubdom.end;
    const temporaryFiles = async () => (await scratch.orphans()).filter((name) => name.endsWith('.part'));
    expect(await temporaryFiles()).toHaveLength(1);
    const args = ['save', '--opaque', '-i', '/proc/self/status', '-o', scratch.path('out')];
    expect((await stubferry([...args, ...scratch.options])).exit).toBe(0);
    expect(await temporaryFiles()).toEqual([]);
  });
});
