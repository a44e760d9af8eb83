import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { startAgent } from '../../support/agents/agent.js';
import { saveByHand } from '../../support/agents/by-hand.js';
import { sha256 } from '../../support/cli/captured-states.js';
import { feed, PatternState } from '../../support/cli/feed.js';
import { start } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();
jest.setTimeout(60_000);

const state = new PatternState(4 * 1024 * 1024, 5, 32 * 1024);

/** Starts a process that copies its standard input to `fifo`. @returns its standard input */
const writerInto = (fifo: string) => start('bash', ['-c', `cat > '${fifo}'`], ['pipe', 'ignore', 'ignore']).child.stdin;

describe('a stubdom agent that still waits for its disk', () => {
  const waiting = (fifo: string, ...more: string[]) =>
    startAgent('stubdom', ['--disk', scratch.disk('absent.img'), '--source', fifo, ...more]);

  it('reads nothing from the FIFO that another agent is reading', async () => {
    const fifo = scratch.fifo('qemu');
    const { dom0, stubdom } = saveByHand(scratch, fifo, scratch.path('out'));
    const fed = feed(writerInto(fifo), state.chunks(), { pauseMs: 20 });
    await stubdom.moving;
    expect((await waiting(fifo, '--attach-timeout', '1s').end).exit).toBe(20);
    await fed;
    expect([(await dom0.end).exit, (await stubdom.end).exit]).toEqual([0, 0]);
    expect(sha256(await scratch.bytes('out'))).toBe(state.sha256());
  });

  it('leaves what QEMU has written to the next agent', async () => {
    const fifo = scratch.fifo('qemu');
    const first = waiting(fifo, '--attach-timeout', '1s');
    const fed = feed(writerInto(fifo), state.chunks());
    await delay(500);
    // Keeps the FIFO open while no agent has it open, so that the bytes in it are not lost.
    const keeper = start('bash', ['-c', `exec 3<>'${fifo}'; sleep 30`], ['ignore', 'ignore', 'ignore']);
    expect((await first.end).exit).toBe(20);
    const { dom0, stubdom } = saveByHand(scratch, fifo, scratch.path('out'));
    await fed;
    keeper.child.kill();
    expect([(await dom0.end).exit, (await stubdom.end).exit]).toEqual([0, 0]);
    expect(sha256(await scratch.bytes('out'))).toBe(state.sha256());
  });
});
