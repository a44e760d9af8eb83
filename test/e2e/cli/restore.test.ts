import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { DEVICE_STATE, GZIPPED_STATE, MIGRATION_STREAM, sha256 } from '../../support/cli/captured-states.js';
import { feed } from '../../support/cli/feed.js';
import { documentOf, failureOf, shell, start, startStubferry, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();

const restore = (state: string, output: string, ...more: string[]): string[] => {
  return ['--json', 'restore', state, '-o', output, ...scratch.options, ...more];
};

async function statefile(): Promise<string> {
  const path = scratch.path('statefile');
  await stubferry(['save', '-i', DEVICE_STATE.path, '-o', path, ...scratch.options]);
  return path;
}

describe('stubferry restore', () => {
  it('writes the bare state of a statefile', async () => {
    const ended = await stubferry(restore(await statefile(), scratch.path('bare')));
    expect(documentOf(ended)).toMatchObject({
      restore: { kind: 'device-state', sha256: DEVICE_STATE.sha256 },
    });
    expect(sha256(await scratch.bytes('bare'))).toBe(DEVICE_STATE.sha256);
  });

  it.each([
    ['a bare QEMU state', DEVICE_STATE],
    ['a gzipped QEMU state', GZIPPED_STATE],
    ['a whole migration stream', MIGRATION_STREAM],
  ])('accepts %s', async (_, state) => {
    expect((await stubferry(restore(state.path, scratch.path('bare')))).exit).toBe(0);
    expect(sha256(await scratch.bytes('bare'))).toBe(state.sha256);
  });

  it('reads a state from standard input', async () => {
    const restoring = startStubferry(restore('-', scratch.path('bare')), { stdin: 'pipe' });
    await feed(restoring.child.stdin, [DEVICE_STATE.bytes]);
    expect((await restoring.ended).exit).toBe(0);
    expect(sha256(await scratch.bytes('bare'))).toBe(DEVICE_STATE.sha256);
  });

  it('writes into a FIFO, from which qemu -incoming can read', async () => {
    const fifo = scratch.fifo('incoming');
    const reader = start('cat', [fifo], ['ignore', 'pipe', 'pipe']);
    expect((await stubferry(restore(await statefile(), fifo))).exit).toBe(0);
    expect(sha256((await reader.ended).stdout)).toBe(DEVICE_STATE.sha256);
  });

  it('writes only the state to standard output', async () => {
    const { exit, stdout } = await stubferry(restore(await statefile(), '-'));
    expect({ exit, sha256: sha256(stdout) }).toEqual({ exit: 0, sha256: DEVICE_STATE.sha256 });
  });

  it('writes into a pipe', async () => {
    const line = `stubferry restore '${DEVICE_STATE.path}' -o - --transfer-dir '${scratch.disks}' | sha256sum`;
    expect((await shell(line, scratch.folder)).stdout.toString()).toBe(`${DEVICE_STATE.sha256}  -\n`);
  });

  it('writes nothing of a damaged statefile', async () => {
    const path = await statefile();
    const bytes = await scratch.bytes('statefile');
    bytes[3 * 4096] = (bytes[3 * 4096] ?? 0) ^ 1;
    await writeFile(path, bytes);
    expect(failureOf(await stubferry(restore(path, scratch.path('bare'))))).toMatchObject({
      exit: 13,
      code: 'CORRUPT',
      message: 'checksum mismatch in the payload of a frame',
      where: path,
      offset: 3 * 4096,
    });
    expect(scratch.has('bare')).toBe(false);
  });

  it('refuses an existing destination', async () => {
    await writeFile(scratch.path('bare'), 'precious');
    expect(failureOf(await stubferry(restore(DEVICE_STATE.path, scratch.path('bare'))))).toMatchObject({
      exit: 40,
      code: 'DESTINATION_EXISTS',
      message: 'cannot create or open the destination: EEXIST',
    });
    expect((await scratch.bytes('bare')).toString()).toBe('precious');
  });

  it('refuses a transfer disk as the state', async () => {
    await writeFile(scratch.path('disk'), Buffer.concat([Buffer.from('STUBFERY'), Buffer.alloc(100_000)]));
    expect(failureOf(await stubferry(restore(scratch.path('disk'), scratch.path('bare'))))).toMatchObject({
      exit: 11,
      code: 'NOT_A_STATE',
      message: 'this is a transfer disk, not a state',
    });
  });

  it('fails when the source sends nothing within the attach timeout', async () => {
    const ended = await stubferry(restore(scratch.fifo('silent'), scratch.path('bare'), '--attach-timeout', '1s'));
    expect(failureOf(ended)).toMatchObject({ exit: 20, code: 'DISK_ABSENT' });
  });
});
