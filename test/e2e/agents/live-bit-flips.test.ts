import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { ERROR_CODES } from '../../../src/base/errors/index.js';
import { BLOCK_SIZE } from '../../../src/formats/protocol/block.js';
import { type ByHand, saveByHand } from '../../support/agents/by-hand.js';
import { sha256 } from '../../support/cli/captured-states.js';
import { feed, PatternState } from '../../support/cli/feed.js';
import { useScratch } from '../../support/cli/scratch.js';
import { forEachBelow, SEED, SeededRandom, withSeed } from '../../support/cli/seeded-random.js';

const scratch = useScratch();
jest.setTimeout(300_000);

const MIB = 1024 * 1024;
const FLIPS = 50;
const LANES = 3;
const RING = 4 * MIB;
const RING_START = 65536;
/** Long enough for several laps of the ring. */
const STATE = new PatternState(12 * MIB, 6, 64 * 1024);
const STATE_SHA256 = STATE.sha256();

async function flip(disk: string, offset: number, bit: number): Promise<void> {
  const file = await open(disk, 'r+').catch(() => undefined);
  // The transfer has ended before.
  if (file === undefined) return;
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  byte[0] = (byte[0] ?? 0) ^ (1 << bit);
  await file.write(byte, 0, 1, offset);
  await file.close();
}

/** Flips one bit anywhere on the disk, at a random moment. */
async function anywhere(pair: ByHand, random: SeededRandom): Promise<void> {
  const [ms, offset, bit] = [random.below(1000), random.below(RING_START + RING), random.below(8)];
  await pair.dom0.moving;
  await delay(ms);
  await flip(pair.disk, offset, bit);
}

/** Flips one bit of a superblock or control slot at a random moment. Both are read throughout the transfer. */
async function inControl(pair: ByHand, random: SeededRandom): Promise<void> {
  const [ms, offset, bit] = [random.below(1000), random.below(6 * BLOCK_SIZE), random.below(8)];
  await pair.dom0.moving;
  await delay(ms);
  await flip(pair.disk, offset, bit);
}

/** Flips a bit in every 32nd block of the ring while the receiver is stopped, so that it reads some of them later. */
async function aheadOfReceiver(pair: ByHand, random: SeededRandom): Promise<void> {
  const [from, within, bit] = [random.below(32), random.below(BLOCK_SIZE), random.below(8)];
  await pair.dom0.moving;
  pair.dom0.child.kill('SIGSTOP');
  await delay(600);
  for (let block = from; block < RING / BLOCK_SIZE; block += 32)
    await flip(pair.disk, RING_START + block * BLOCK_SIZE + within, bit);
  pair.dom0.child.kill('SIGCONT');
}

describe('a bit that flips on the transfer disk during the transfer', () => {
  it('makes the transfer fail with an error code, or does not change the state', async () => {
    const random = new SeededRandom(SEED);
    const ways = [anywhere, aheadOfReceiver, inControl, aheadOfReceiver];
    const outcomes = new Map<string, number>();
    await forEachBelow(FLIPS, LANES, async (index) => {
      const out = `out-${index}`;
      const options = {
        disk: scratch.disk(`${index}.img`),
        dom0: ['--ring', `${RING}`, '--frame', '64K'],
        both: ['--progress-timeout', '5s'],
      };
      const pair = saveByHand(scratch, '-', scratch.path(out), options);
      void feed(pair.stubdom.child.stdin, STATE.chunks(), { pauseMs: 5 });
      await (ways[index % ways.length] ?? anywhere)(pair, random);
      const [dom0, stubdom] = [await pair.dom0.end, await pair.stubdom.end];
      await withSeed(SEED, `flip ${index}`, async () => {
        for (const { exit, error } of [dom0, stubdom]) {
          if (exit === 0) continue;
          expect(error?.code).toBeDefined();
          expect(error?.code).not.toBe('INTERNAL');
          expect(exit).toBe(ERROR_CODES[error?.code ?? 'INTERNAL'].status);
        }
        expect(scratch.has(out)).toBe(dom0.exit === 0);
        if (dom0.exit === 0) expect(sha256(await scratch.bytes(out))).toBe(STATE_SHA256);
        else expect(stubdom.exit).not.toBe(0);
      });
      const name = dom0.error?.code ?? 'identical';
      outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
    });
    // The test proves something only if both outcomes have occurred.
    expect([...outcomes.keys()]).toEqual(expect.arrayContaining(['identical', 'FRAME_CORRUPT']));
  });
});
