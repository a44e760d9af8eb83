import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { lockExclusive } from '../../../src/blockdev-utils/index.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

/** Whether flock(1) in a separate process gets the lock. */
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

  it('excludes other processes until it is released', async () => {
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

  it('succeeds after that process was killed', async () => {
    const child = await lockedByAnother(file());
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await lockExclusive(scratch('disk'))).release();
  });

  it('is refused when the same process holds the lock', async () => {
    const lock = await lockExclusive(file());
    await expect(lockExclusive(scratch('disk'))).rejects.toMatchObject({ code: 'DISK_LOCKED' });
    await lock.release();
  });

  it('leaves nothing locked after it was refused', async () => {
    const lock = await lockExclusive(file());
    await expect(lockExclusive(scratch('disk'))).rejects.toMatchObject({ code: 'DISK_LOCKED' });
    await lock.release();
    expect(freeForOthers(scratch('disk'))).toBe(true);
  });

  it('creates the file, with mode 0600, only with the option create', async () => {
    await expect(lockExclusive(scratch('lock'))).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot open the file to lock it',
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

  it('refuses a directory', async () => {
    mkdirSync(scratch('directory'));
    await expect(lockExclusive(scratch('directory'))).rejects.toMatchObject({
      code: 'DISK_IO',
      details: { found: 'EISDIR' },
    });
  });
});
