import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { lockExclusive } from '../../../src/blockdev-utils/index.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

/** Whether flock(1), in a process of its own, gets the lock that is asked for. */
function freeForOthers(path: string): boolean {
  return spawnSync('flock', ['--exclusive', '--nonblock', path, 'true']).status === 0;
}

describe('lockExclusive', () => {
  const scratch = scratchFolder();
  let other: ChildProcess | undefined;
  afterEach(() => {
    other?.stdin?.end();
  });

  function file(): string {
    writeFileSync(scratch('disk'), '');
    return scratch('disk');
  }

  /** Another process that holds the lock on `path` until its standard input ends. */
  async function lockedByAnother(path: string): Promise<ChildProcess> {
    const child = spawn('flock', ['--no-fork', '--exclusive', path, 'sh', '-c', 'echo held; exec cat']);
    other = child;
    await once(child.stdout, 'data');
    return child;
  }

  it('keeps other processes out until it is released', async () => {
    const lock = await lockExclusive(file());
    expect(lock.path).toBe(scratch('disk'));
    expect(freeForOthers(scratch('disk'))).toBe(false);
    await lock.release();
    expect(freeForOthers(scratch('disk'))).toBe(true);
  });

  it('is refused while another process holds the lock', async () => {
    await lockedByAnother(file());
    await expect(lockExclusive(scratch('disk'))).rejects.toMatchObject({
      code: 'DISK_LOCKED',
      message: 'another live agent holds this lock',
      details: { where: scratch('disk'), expected: 'no other agent in this role' },
    });
  });

  it('is given once that process was killed', async () => {
    const child = await lockedByAnother(file());
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await lockExclusive(scratch('disk'))).release();
  });

  it('is refused to the same process a second time', async () => {
    const lock = await lockExclusive(file());
    await expect(lockExclusive(scratch('disk'))).rejects.toMatchObject({ code: 'DISK_LOCKED' });
    await lock.release();
  });

  it('that was refused leaves nothing locked', async () => {
    const lock = await lockExclusive(file());
    await expect(lockExclusive(scratch('disk'))).rejects.toMatchObject({ code: 'DISK_LOCKED' });
    await lock.release();
    expect(freeForOthers(scratch('disk'))).toBe(true);
  });

  it('makes the file, 0600, only when it is told to', async () => {
    await expect(lockExclusive(scratch('lock'))).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot open a file to lock it',
      details: { where: scratch('lock'), found: 'ENOENT' },
    });
    await (await lockExclusive(scratch('lock'), { create: true })).release();
    expect(statSync(scratch('lock')).mode & 0o777).toBe(0o600);
  });

  it('follows no symbolic link', async () => {
    symlinkSync(scratch('elsewhere'), scratch('lock'));
    await expect(lockExclusive(scratch('lock'), { create: true })).rejects.toMatchObject({
      code: 'DISK_IO',
      details: { found: 'ELOOP' },
    });
    expect(existsSync(scratch('elsewhere'))).toBe(false);
  });

  it('cannot lock a folder', async () => {
    mkdirSync(scratch('folder'));
    await expect(lockExclusive(scratch('folder'))).rejects.toMatchObject({
      code: 'DISK_IO',
      details: { found: 'EISDIR' },
    });
  });
});
