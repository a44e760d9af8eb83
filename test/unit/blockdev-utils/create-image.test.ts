import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createImage } from '../../../src/blockdev-utils/index.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

const SIZE = 1 << 20;

describe('createImage', () => {
  const scratch = scratchFolder();

  it('creates a sparse file of exactly that size, all zeros', async () => {
    await createImage(scratch('disk'), SIZE);
    const { size, blocks } = statSync(scratch('disk'));
    expect({ size, blocks }).toEqual({ size: SIZE, blocks: 0 });
    expect(readFileSync(scratch('disk')).every((byte) => byte === 0)).toBe(true);
  });

  it('creates the file with mode 0600, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      await createImage(scratch('disk'), SIZE);
    } finally {
      process.umask(umask);
    }
    expect(statSync(scratch('disk')).mode & 0o777).toBe(0o600);
  });

  it('refuses an existing file and does not change it', async () => {
    writeFileSync(scratch('disk'), 'precious');
    await expect(createImage(scratch('disk'), SIZE)).rejects.toMatchObject({
      code: 'DISK_EXISTS',
      message: 'the transfer disk already exists',
      details: { where: scratch('disk') },
    });
    expect(readFileSync(scratch('disk'), 'latin1')).toBe('precious');
  });

  it('follows no symbolic link, not even a dangling one', async () => {
    symlinkSync(scratch('elsewhere'), scratch('disk'));
    await expect(createImage(scratch('disk'), SIZE)).rejects.toMatchObject({ code: 'DISK_EXISTS' });
    expect(existsSync(scratch('elsewhere'))).toBe(false);
  });

  it('refuses a size without enough free space, and creates nothing', async () => {
    await expect(createImage(scratch('disk'), 2 ** 52)).rejects.toMatchObject({
      code: 'DISK_NO_SPACE',
      message: 'not enough space for the transfer disk',
      details: { where: dirname(scratch('disk')), expected: `${2 ** 52} bytes free` },
    });
    expect(readdirSync(dirname(scratch('disk')))).toEqual([]);
  });

  it('refuses a directory that does not exist', async () => {
    await expect(createImage(scratch('no/disk'), SIZE)).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot create the transfer disk',
      details: { where: scratch('no/disk'), found: 'ENOENT' },
    });
  });
});
