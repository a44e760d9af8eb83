import { existsSync } from 'node:fs';
import { lstat, readFile, symlink, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { DEVICE_STATE, sha256 } from '../../support/cli/captured-states.js';
import { feed } from '../../support/cli/feed.js';
import { documentOf, failureOf, shell, start, startStubferry, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();

const save = (output: string, ...more: string[]): string[] => {
  return ['--json', 'save', '-i', DEVICE_STATE.path, '-o', output, ...scratch.options, ...more];
};

describe('the output of stubferry save', () => {
  it('is a valid statefile that only its owner can read', async () => {
    const statefile = scratch.path('saved');
    await stubferry(save(statefile));
    expect((await lstat(statefile)).mode & 0o777).toBe(0o600);
    expect(documentOf(await stubferry(['--json', 'verify', statefile]))).toEqual({
      verified: {
        file: statefile,
        checked: 'every-byte',
        format: 'statefile',
        bytes: DEVICE_STATE.bytes.length,
        dataRecords: 1,
      },
    });
  });

  it('is the bare state with --raw', async () => {
    await stubferry(save(scratch.path('saved'), '--raw'));
    expect((await scratch.bytes('saved')).equals(DEVICE_STATE.bytes)).toBe(true);
  });

  it('is the only data on standard output with -o -', async () => {
    const { exit, stdout } = await stubferry(save('-', '--raw'));
    expect({ exit, sha256: sha256(stdout) }).toEqual({ exit: 0, sha256: DEVICE_STATE.sha256 });
  });

  it('can be piped into stubferry verify', async () => {
    const line = `stubferry save -i '${DEVICE_STATE.path}' -o - --transfer-dir '${scratch.disks}' | stubferry verify -`;
    const { exit, stdout } = await shell(line, scratch.folder);
    expect({ exit, text: stdout.toString() }).toEqual({
      exit: 0,
      text: '-: statefile: OK: 12449 bytes verified (1 data record)\n',
    });
  });

  it('can go into a FIFO', async () => {
    const fifo = scratch.fifo('libxl');
    const reader = start('cat', [fifo], ['ignore', 'pipe', 'pipe']);
    expect((await stubferry(save(fifo, '--raw'))).exit).toBe(0);
    expect(sha256((await reader.ended).stdout)).toBe(DEVICE_STATE.sha256);
  });

  it('can go to /dev/null', async () => {
    expect((await stubferry(save('/dev/null'))).exit).toBe(0);
  });

  it('is appended after a shell redirection with >>', async () => {
    await writeFile(scratch.path('log'), 'before\n');
    const line = `stubferry save -i '${DEVICE_STATE.path}' --raw -o - --transfer-dir '${scratch.disks}' >> log`;
    expect(await shell(line, scratch.folder)).toMatchObject({ exit: 0 });
    const expected = Buffer.concat([Buffer.from('before\n'), DEVICE_STATE.bytes]);
    expect((await scratch.bytes('log')).equals(expected)).toBe(true);
  });
});

describe('an existing destination', () => {
  const REFUSAL = {
    exit: 40,
    code: 'DESTINATION_EXISTS',
    message: 'cannot create or open the destination: EEXIST',
  };

  it('is refused and left unchanged', async () => {
    await writeFile(scratch.path('saved'), 'precious');
    expect(failureOf(await stubferry(save(scratch.path('saved'))))).toMatchObject(REFUSAL);
    expect(await readFile(scratch.path('saved'), 'utf8')).toBe('precious');
  });

  it('is replaced with --force', async () => {
    await writeFile(scratch.path('saved'), 'old');
    expect((await stubferry(save(scratch.path('saved'), '--raw', '--force'))).exit).toBe(0);
    expect(sha256(await scratch.bytes('saved'))).toBe(DEVICE_STATE.sha256);
  });

  it('is refused even when it is a dangling symbolic link', async () => {
    await symlink(scratch.path('nowhere'), scratch.path('saved'));
    expect(failureOf(await stubferry(save(scratch.path('saved'))))).toMatchObject(REFUSAL);
    expect(existsSync(scratch.path('nowhere'))).toBe(false);
  });

  it('is refused and left unchanged even when it was created during the transfer', async () => {
    const args = ['--json', 'save', '-o', scratch.path('saved'), ...scratch.options];
    const saving = startStubferry(args, { stdin: 'pipe' });
    await delay(1500);
    await writeFile(scratch.path('saved'), "somebody else's");
    await feed(saving.child.stdin, [DEVICE_STATE.bytes]);
    expect(failureOf(await saving.ended)).toMatchObject(REFUSAL);
    expect(await readFile(scratch.path('saved'), 'utf8')).toBe("somebody else's");
  });

  it('keeps the state of the first of two saves to the same path', async () => {
    const args = ['--json', 'save', '--raw', '-o', scratch.path('saved'), ...scratch.options];
    const [first, second] = [startStubferry(args, { stdin: 'pipe' }), startStubferry(args, { stdin: 'pipe' })];
    await delay(1500);
    await feed(first.child.stdin, [DEVICE_STATE.bytes]);
    expect((await first.ended).exit).toBe(0);
    await feed(second.child.stdin, [DEVICE_STATE.bytes]);
    expect(failureOf(await second.ended)).toMatchObject(REFUSAL);
    expect(sha256(await scratch.bytes('saved'))).toBe(DEVICE_STATE.sha256);
  });
});
