import { execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { restoreByHand, saveByHand } from '../../support/agents/by-hand.js';
import { feed, PatternState } from '../../support/cli/feed.js';
import { useScratch } from '../../support/cli/scratch.js';
import { SeededRandom } from '../../support/cli/seeded-random.js';

const scratch = useScratch();
jest.setTimeout(600_000);

const MIB = 1024 * 1024;
const BYTES = 4096 * MIB;
const MAX_MEMORY_MIB = 160;
const RING = { dom0: ['--ring', '8M'] };

/** Makes a sparse file of 4 GiB with some islands of random bytes. Only the islands take space. @returns its SHA-256 */
async function sparseFile(path: string): Promise<string> {
  const random = new SeededRandom(4);
  const file = await open(path, 'wx');
  await file.truncate(BYTES);
  for (let island = 0; island < 24; island += 1) await file.write(random.bytes(MIB), 0, MIB, random.below(BYTES - MIB));
  await file.close();
  return execFileSync('sha256sum', [path], { encoding: 'utf8' }).slice(0, 64);
}

describe('4 GiB through a ring of 8 MiB', () => {
  it('are saved unchanged from a stream, in constant memory on both sides', async () => {
    const state = new PatternState(BYTES);
    const { dom0, stubdom } = saveByHand(scratch, '-', '/dev/null', RING);
    await feed(stubdom.child.stdin, state.chunks());
    const expected = { exit: 0, report: { bytes: BYTES, sha256: state.sha256() } };
    expect(await dom0.end).toMatchObject(expected);
    expect(await stubdom.end).toMatchObject(expected);
    for (const agent of [dom0, stubdom]) {
      expect(agent.peakMiB()).toBeGreaterThan(16);
      expect(agent.peakMiB()).toBeLessThan(MAX_MEMORY_MIB);
    }
  });

  it('are restored unchanged from a file, in constant memory on both sides', async () => {
    const sha256 = await sparseFile(scratch.path('sparse'));
    const { dom0, stubdom } = restoreByHand(scratch, scratch.path('sparse'), '/dev/null', RING);
    const expected = { exit: 0, report: { bytes: BYTES, sha256 } };
    expect(await dom0.end).toMatchObject(expected);
    expect(await stubdom.end).toMatchObject(expected);
    for (const agent of [dom0, stubdom]) {
      expect(agent.peakMiB()).toBeGreaterThan(16);
      expect(agent.peakMiB()).toBeLessThan(MAX_MEMORY_MIB);
    }
  });
});
