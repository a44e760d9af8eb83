import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { restoreByHand, saveByHand } from '../../support/agents/by-hand.js';
import { PatternState } from '../../support/cli/feed.js';
import { describeAsRoot } from '../../support/cli/needs-root.js';
import { start } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();
jest.setTimeout(60_000);

const MIB = 1024 * 1024;

async function given(bytes: number): Promise<string> {
  await writeFile(scratch.path('given'), new PatternState(bytes).bytes());
  return scratch.path('given');
}

/** The error of the other agent: its peer gave up, with a code and a message. */
const peerAborted = (peer: string, code: string, message: string): object => ({
  exit: 38,
  error: {
    code: 'PEER_ABORTED',
    message: `the ${peer} gave up: ${code}: ${message}`,
    found: code,
    hint: `see the log of the ${peer} for more`,
  },
});

describeAsRoot('a destination on a separate file system', () => {
  const mounted = (): string => scratch.path('mounted');
  beforeEach(async () => {
    await mkdir(mounted());
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'stubferry-e2e', mounted()]);
  });
  afterEach(() => void execFileSync('umount', [mounted()]));

  it('that becomes full is DESTINATION_FULL, and is empty afterwards', async () => {
    const { dom0, stubdom } = saveByHand(scratch, await given(8 * MIB), scratch.path('mounted/out'));
    const message = 'cannot write the destination: ENOSPC';
    expect(await dom0.end).toMatchObject({
      exit: 41,
      error: {
        code: 'DESTINATION_FULL',
        message,
        where: scratch.path('mounted/out'),
        hint: 'make room or choose another destination, then save again',
      },
    });
    expect(await stubdom.end).toMatchObject(peerAborted('receiver', 'DESTINATION_FULL', message));
    expect(await readdir(mounted())).toEqual([]);
  });

  it('that contains the spool and becomes full is DESTINATION_FULL as well', async () => {
    const options = { stubdom: ['--spool-dir', mounted()] };
    const { dom0, stubdom } = restoreByHand(scratch, await given(8 * MIB), '-', options);
    const message = 'cannot write the destination: ENOSPC';
    expect(await stubdom.end).toMatchObject({ exit: 41, error: { code: 'DESTINATION_FULL', message } });
    expect(await dom0.end).toMatchObject(peerAborted('receiver', 'DESTINATION_FULL', message));
    expect(await readdir(mounted())).toEqual([]);
  });

  it('that is read-only is DESTINATION_UNWRITABLE before there is a transfer disk', async () => {
    execFileSync('mount', ['-o', 'remount,ro', mounted()]);
    const options = { both: ['--attach-timeout', '1s'] };
    const { dom0, stubdom } = saveByHand(scratch, await given(1), scratch.path('mounted/out'), options);
    expect(await dom0.end).toMatchObject({
      exit: 42,
      error: {
        code: 'DESTINATION_UNWRITABLE',
        message: 'cannot create or open the destination: EROFS',
        where: scratch.path('mounted/out'),
      },
    });
    expect(await stubdom.end).toMatchObject({ exit: 20, error: { code: 'DISK_ABSENT' } });
  });
});

describe('a destination', () => {
  it('in a directory that does not exist is DESTINATION_UNWRITABLE', async () => {
    const options = { both: ['--attach-timeout', '1s'] };
    const { dom0 } = saveByHand(scratch, await given(1), scratch.path('missing/out'), options);
    expect(await dom0.end).toMatchObject({
      exit: 42,
      error: {
        code: 'DESTINATION_UNWRITABLE',
        message: 'cannot create or open the destination: ENOENT',
        where: scratch.path('missing/out'),
      },
    });
  });

  it('in a directory that does not exist in the stubdom is PEER_ABSENT to dom0', async () => {
    const options = { both: ['--attach-timeout', '1s'] };
    const { dom0, stubdom } = restoreByHand(scratch, await given(1), scratch.path('missing/out'), options);
    expect(await stubdom.end).toMatchObject({ exit: 42, error: { code: 'DESTINATION_UNWRITABLE' } });
    expect(await dom0.end).toMatchObject({ exit: 35, error: { code: 'PEER_ABSENT' } });
  });

  it('whose reader exits in the middle is DESTINATION_GONE', async () => {
    const fifo = scratch.fifo('incoming');
    start('head', ['-c', '100000', fifo], ['ignore', 'ignore', 'ignore']);
    const { dom0, stubdom } = restoreByHand(scratch, await given(4 * MIB), fifo);
    const message = 'cannot write the destination: EPIPE';
    expect(await stubdom.end).toMatchObject({
      exit: 44,
      error: {
        code: 'DESTINATION_GONE',
        message,
        where: fifo,
        hint: 'the reading program ended; see its messages',
      },
    });
    expect(await dom0.end).toMatchObject(peerAborted('receiver', 'DESTINATION_GONE', message));
  });

  it('that is a FIFO without a reader is DESTINATION_GONE after the timeout', async () => {
    const options = { stubdom: ['--attach-timeout', '1s'] };
    const { dom0, stubdom } = restoreByHand(scratch, await given(1), scratch.fifo('incoming'), options);
    const message = 'the FIFO has no reader';
    expect(await stubdom.end).toMatchObject({
      exit: 44,
      error: { code: 'DESTINATION_GONE', message, expected: 'a reader within 1000 ms', found: 'none' },
    });
    expect(await dom0.end).toMatchObject(peerAborted('receiver', 'DESTINATION_GONE', message));
  });
});

describe('a state', () => {
  it('that is larger than --max-state is LIMIT_EXCEEDED, and dom0 is notified', async () => {
    const options = { dom0: ['--max-state', '1M'] };
    const { dom0, stubdom } = saveByHand(scratch, await given(MIB + 1), scratch.path('out'), options);
    const message = 'the state is larger than the superblock allows';
    expect(await stubdom.end).toMatchObject({
      exit: 16,
      error: {
        code: 'LIMIT_EXCEEDED',
        message,
        expected: 'at most 1048576 bytes',
        hint: 'raise --max-state on the dom0 side',
      },
    });
    expect(await dom0.end).toMatchObject(peerAborted('sender', 'LIMIT_EXCEEDED', message));
    expect(scratch.has('out')).toBe(false);
  });

  it('that is exactly as large as --max-state is accepted', async () => {
    const options = { dom0: ['--max-state', '1M'] };
    const { dom0 } = saveByHand(scratch, await given(MIB), scratch.path('out'), options);
    expect(await dom0.end).toMatchObject({ exit: 0, report: { bytes: MIB } });
  });

  it('that is larger than --spool-limit is LIMIT_EXCEEDED, and the sender is notified', async () => {
    const options = { stubdom: ['--spool-limit', '1M'] };
    const { dom0, stubdom } = restoreByHand(scratch, await given(MIB + 1), '-', options);
    const message = 'the state is larger than the spool limit';
    expect(await stubdom.end).toMatchObject({
      exit: 16,
      stdout: Buffer.alloc(0),
      error: {
        code: 'LIMIT_EXCEEDED',
        message,
        where: scratch.spool,
        expected: 'at most 1048576 bytes',
        hint: 'raise --spool-limit, or restore into a regular file',
      },
    });
    expect(await dom0.end).toMatchObject(peerAborted('receiver', 'LIMIT_EXCEEDED', message));
  });
});
