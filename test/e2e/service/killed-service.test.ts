/**
 * Kills the service with SIGKILL at random moments of a transfer over a loop device, and starts another one. Each
 * transfer ends committed and identical, or failed with an error in the stubdom, and leaves no orphans.
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

/** The number of kills. They are distributed over the lanes, and each lane is a host of its own. */
const MOMENTS = 200;
const LANES = 2;
const STATE = new PatternState(8 * 1024 * 1024);
const STATE_SHA256 = STATE.sha256();
const TIMEOUTS = ['--peer-timeout', '1s', '--attach-timeout', '5s', '--no-warm-up'];

/** The errors that the stubdom may report. */
const EXPECTED_ERRORS = [
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

/** The orphans of the transfers of that stage: loop devices, mounts, locks and files. */
function orphansOn(stage: ServiceStage): Record<string, readonly string[]> {
  return {
    loopDevices: lines(output('losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE'), stage.directory),
    mounts: lines(readFileSync('/proc/self/mounts', 'utf8'), stage.directory),
    locks: lines(output('lslocks', '--noheadings', '--output', 'PATH'), stage.directory).filter(
      (path) => !path.endsWith('service.lock'),
    ),
    temporaries: readdirSync(stage.path('state')).filter((name) => name.endsWith('.part')),
    directory: readdirSync(stage.path('run')).filter((name) => name !== 'service.lock' && name !== 'control.sock'),
  };
}

const NO_ORPHANS = { loopDevices: [], mounts: [], locks: [], temporaries: [], directory: [] };

/**
 * Waits until there are no orphans. The restarted service may still be removing a transfer when the stubdom ends.
 */
async function untilNoOrphans(stage: ServiceStage): Promise<Record<string, readonly string[]>> {
  for (let waited = 0; waited < 5_000; waited += 20) {
    if (Object.values(orphansOn(stage)).every((found) => found.length === 0)) break;
    await delay(20);
  }
  return orphansOn(stage);
}

describeWith([ROOT, LOOP_DEVICES, ...XENSTORED], 'SIGKILL to the service during a save', () => {
  const lanes: { stage: ServiceStage; pair: Pair; service: Agent }[] = [];
  const outcomes = new Map<string, number>();

  beforeAll(async () => {
    for (let lane = 0; lane < LANES; lane += 1) {
      const stage = await ServiceStage.open();
      const service = await stage.service('--attach', 'loop', ...TIMEOUTS);
      lanes.push({ stage, service, pair: await stage.pair(7, 3) });
    }
  });
  afterAll(async () => {
    for (const { stage } of lanes) await stage.close();
    const summary = [...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
    process.stderr.write(`${MOMENTS} kills of the service: ${summary}\n`);
  });

  it(`at ${MOMENTS} random moments leaves a complete state or none, and no orphans`, async () => {
    const random = new SeededRandom(SEED);
    const moments = Array.from({ length: MOMENTS }, (_, index) => momentOf(random, index));
    await Promise.all(
      lanes.map(async (lane, first) => {
        for (let index = first; index < MOMENTS; index += LANES) {
          const moment = moments[index];
          if (moment === undefined) return;
          await withSeed(SEED, `${index}: ${moment.name}`, async () => {
            const { stage, pair } = lane;
            const stubdom = stage.stubdom(pair, '--source', '-', '--opaque', ...TIMEOUTS);
            await moment.reach(stubdom, stubdom.ready, STATE);
            lane.service.child.kill('SIGKILL');
            await lane.service.ended;
            lane.service = await stage.service('--attach', 'loop', ...TIMEOUTS);
            const { exit, error } = await stubdom.end;
            const saved = stage.saved(3);
            const outcome = exit === 0 ? 'committed' : (error?.code ?? 'unknown');
            outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
            if (exit === 0) expect(sha256(saved ?? Buffer.alloc(0))).toBe(STATE_SHA256);
            else expect([EXPECTED_ERRORS.includes(outcome), saved]).toEqual([true, undefined]);
            stage.removeSaved(3);
            expect(await untilNoOrphans(stage)).toEqual(NO_ORPHANS);
          });
        }
      }),
    );
    expect([...outcomes.keys()].filter((outcome) => outcome !== 'committed')).not.toEqual([]);
  });
});
