/** Agents warm up only where a guest may be stopped during the transfer, because a warm-up takes each agent 0.2 s. */
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from '@jest/globals';
import { startAgent } from '../../support/agents/agent.js';
import { DEVICE_STATE } from '../../support/cli/captured-states.js';
import { type Ended, startStubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();

/** How many agents have warmed up according to their logs. */
function warmUps({ stderr }: Ended): number {
  return stderr.split('\n').filter((line) => line.includes('the warm-up is done')).length;
}

describe('agents on this machine', () => {
  const move = (...args: readonly string[]) => startStubferry(['--log-level', 'debug', ...args, ...scratch.options]);

  it.each([
    ['save', ['-i', DEVICE_STATE.path]],
    ['restore', [DEVICE_STATE.path]],
  ])('do not warm up for the %s of a file, for which no guest is stopped', async (command, state) => {
    const ended = await move(command, ...state, '-o', scratch.path('out')).ended;
    expect([ended.exit, warmUps(ended)]).toEqual([0, 0]);
  });

  it('both warm up for a state that arrives later', async () => {
    const fifo = scratch.fifo('state');
    const saving = move('save', '-i', fifo, '-o', scratch.path('out'));
    await pipeline(createReadStream(DEVICE_STATE.path), createWriteStream(fifo));
    const ended = await saving.ended;
    expect([ended.exit, warmUps(ended)]).toEqual([0, 2]);
  });
});

describe('agents started separately', () => {
  it.each([
    ['warm up', [], 1],
    ['do not warm up with --no-warm-up', ['--no-warm-up'], 0],
  ])('%s', async (_what, more, count) => {
    const common = ['--disk', scratch.disk(), '--spool-dir', scratch.spool, ...more];
    const dom0 = startAgent('dom0', [...common, '--save', scratch.path('out')], 'debug');
    const stubdom = startAgent('stubdom', [...common, '--source', DEVICE_STATE.path], 'debug');
    const ended = await Promise.all([dom0.ended, stubdom.ended]);
    expect(ended.map((one) => [one.exit, warmUps(one)])).toEqual([
      [0, count],
      [0, count],
    ]);
  });
});
