/**
 * kill -9 of dom0's agent at random moments of a transfer over a loop device, and another one in its place: each transfer ends
 * committed and identical, or failed with the stubdom told; and nothing of it is left, counted before and after.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { Agent } from '../../support/agents/agent.js';
import { momentOf } from '../../support/agents/moments.js';
import { describeWith, LOOP_DEVICES, ROOT } from '../../support/blockdev-utils/as-root.js';
import { sha256 } from '../../support/cli/captured-states.js';
import { PatternState } from '../../support/cli/feed.js';
import { SEED, SeededRandom, withSeed } from '../../support/cli/seeded-random.js';
import { type Pair, ServiceStage } from '../../support/service/stage.js';
import { XENSTORED } from '../../support/xenstore/xenstored.js';

jest.setTimeout(900_000);

/** Half of them in each of two lanes, each lane a host of its own. */
const MOMENTS = 200;
const LANES = 2;
const STATE = new PatternState(8 * 1024 * 1024);
const STATE_SHA256 = STATE.sha256();
const PATIENCE = ['--peer-timeout', '1s', '--attach-timeout', '5s', '--no-warm-up'];

/** How the stubdom may be told. */
const TOLD = [
  'PEER_ABORTED',
  'PEER_RESTARTED',
  'PEER_DEAD',
  'PEER_ABSENT',
  'REQUEST_UNANSWERED',
  'DISK_ABSENT',
  'SERVICE_RESTARTED',
];

const output = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, [...args], { encoding: 'utf8' });
const lines = (text: string, part: string): string[] => text.split('\n').filter((line) => line.includes(part));

/** All that may be left of the transfers of that stage: loop devices, mounts, locks, files. */
function traces(stage: ServiceStage): Record<string, readonly string[]> {
  return {
    loopDevices: lines(output('losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE'), stage.folder),
    mounts: lines(readFileSync('/proc/self/mounts', 'utf8'), stage.folder),
    locks: lines(output('lslocks', '--noheadings', '--output', 'PATH'), stage.folder).filter(
      (path) => !path.endsWith('service.lock'),
    ),
    parts: readdirSync(stage.path('state')).filter((name) => name.endsWith('.part')),
    folder: readdirSync(stage.path('run')).filter((name) => name !== 'service.lock' && name !== 'control.sock'),
  };
}

const NOTHING = { loopDevices: [], mounts: [], locks: [], parts: [], folder: [] };

/** After the agent has started anew and the stubdom has ended, a transfer may still be on its way out. */
async function untilNothing(stage: ServiceStage): Promise<Record<string, readonly string[]>> {
  for (let waited = 0; waited < 5_000; waited += 20) {
    if (Object.values(traces(stage)).every((found) => found.length === 0)) break;
    await delay(20);
  }
  return traces(stage);
}

describeWith([ROOT, LOOP_DEVICES, ...XENSTORED], "kill -9 of dom0's agent in the middle of a save", () => {
  const lanes: { stage: ServiceStage; pair: Pair; service: Agent }[] = [];
  const outcomes = new Map<string, number>();

  beforeAll(async () => {
    for (let lane = 0; lane < LANES; lane += 1) {
      const stage = await ServiceStage.open();
      const service = await stage.service('--attach', 'loop', ...PATIENCE);
      lanes.push({ stage, service, pair: await stage.pair(7, 3) });
    }
  });
  afterAll(async () => {
    for (const { stage } of lanes) await stage.close();
    const told = [...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
    process.stderr.write(`${MOMENTS} times kill -9 of dom0's agent: ${told}\n`);
  });

  it(`at ${MOMENTS} random moments leaves a whole state or none, and nothing else`, async () => {
    const random = new SeededRandom(SEED);
    const moments = Array.from({ length: MOMENTS }, (_, index) => momentOf(random, index));
    await Promise.all(
      lanes.map(async (lane, first) => {
        for (let index = first; index < MOMENTS; index += LANES) {
          const moment = moments[index];
          if (moment === undefined) return;
          await withSeed(SEED, `${index}: ${moment.name}`, async () => {
            const { stage, pair } = lane;
            const stubdom = stage.stubdom(pair, '--source', '-', '--opaque', ...PATIENCE);
            await moment.come(stubdom, stubdom.ready, STATE);
            lane.service.child.kill('SIGKILL');
            await lane.service.ended;
            lane.service = await stage.service('--attach', 'loop', ...PATIENCE);
            const { exit, error } = await stubdom.end;
            const saved = stage.saved(3);
            const outcome = exit === 0 ? 'committed' : (error?.code ?? 'unknown');
            outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
            if (exit === 0) expect(sha256(saved ?? Buffer.alloc(0))).toBe(STATE_SHA256);
            else expect([TOLD.includes(outcome), saved]).toEqual([true, undefined]);
            stage.forget(3);
            expect(await untilNothing(stage)).toEqual(NOTHING);
          });
        }
      }),
    );
    expect([...outcomes.keys()].filter((outcome) => outcome !== 'committed')).not.toEqual([]);
  });
});
