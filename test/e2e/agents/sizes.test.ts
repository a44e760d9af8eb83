import { writeFile } from 'node:fs/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { restoreByHand, saveByHand } from '../../support/agents/by-hand.js';
import { sha256 } from '../../support/cli/captured-states.js';
import { PatternState } from '../../support/cli/feed.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();
jest.setTimeout(120_000);

const MIB = 1024 * 1024;
const SIZES = [0, 1, 4095, 4096, 4097, 32 * MIB];
const FRAMES = ['4K', '64K', '8M'];

async function given(bytes: number): Promise<string> {
  await writeFile(scratch.path('given'), new PatternState(bytes).bytes());
  return scratch.path('given');
}

describe.each(SIZES)('a state of %d bytes through a ring of 8 MiB', (bytes) => {
  const expected = new PatternState(bytes).sha256();
  const ring = { dom0: ['--ring', '8M'] };

  it('is saved unchanged', async () => {
    const { dom0, stubdom } = saveByHand(scratch, await given(bytes), scratch.path('out'), ring);
    expect(await dom0.end).toMatchObject({ exit: 0, report: { bytes, sha256: expected } });
    expect(await stubdom.end).toMatchObject({ exit: 0, report: { bytes, sha256: expected } });
    expect(sha256(await scratch.bytes('out'))).toBe(expected);
  });

  it('is restored unchanged', async () => {
    const { dom0, stubdom } = restoreByHand(scratch, await given(bytes), scratch.path('out'), ring);
    expect(await dom0.end).toMatchObject({ exit: 0, report: { bytes, sha256: expected } });
    expect(await stubdom.end).toMatchObject({ exit: 0, report: { bytes, sha256: expected } });
    expect(sha256(await scratch.bytes('out'))).toBe(expected);
  });

  it('is restored unchanged through standard output', async () => {
    const { dom0, stubdom } = restoreByHand(scratch, await given(bytes), '-', ring);
    expect((await dom0.end).exit).toBe(0);
    expect(sha256((await stubdom.end).stdout)).toBe(expected);
  });
});

describe.each(FRAMES)('32 MiB and 1 byte in frames of %s', (frame) => {
  const bytes = 32 * MIB + 1;
  const expected = new PatternState(bytes).sha256();
  // Two frames of 8 MiB need a ring of more than 16 MiB.
  const options = { dom0: ['--frame', frame, '--ring', frame === '8M' ? '20M' : '8M'] };

  it('are saved unchanged', async () => {
    const { dom0, stubdom } = saveByHand(scratch, await given(bytes), scratch.path('out'), options);
    expect(await dom0.end).toMatchObject({ exit: 0, report: { bytes, sha256: expected } });
    expect((await stubdom.end).exit).toBe(0);
    expect(sha256(await scratch.bytes('out'))).toBe(expected);
  });

  it('are restored unchanged', async () => {
    const { dom0, stubdom } = restoreByHand(scratch, await given(bytes), scratch.path('out'), options);
    expect(await stubdom.end).toMatchObject({ exit: 0, report: { bytes, sha256: expected } });
    expect((await dom0.end).exit).toBe(0);
    expect(sha256(await scratch.bytes('out'))).toBe(expected);
  });
});

describe('a ring that cannot hold two frames', () => {
  it('is refused before the disk is made', async () => {
    const options = { dom0: ['--frame', '8M', '--ring', '8M'], both: ['--attach-timeout', '500ms'] };
    const { dom0, stubdom } = saveByHand(scratch, await given(1), scratch.path('out'), options);
    expect(await dom0.end).toMatchObject({
      exit: 16,
      error: {
        code: 'LIMIT_EXCEEDED',
        message: 'the ring is outside of its limits',
        expected: '16785408 to 1073741824 bytes',
        found: '8388608 bytes',
      },
    });
    expect(await stubdom.end).toMatchObject({ exit: 20, error: { code: 'DISK_ABSENT' } });
  });
});
