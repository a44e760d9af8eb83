import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createImage } from '../../../src/blockdev-utils/index.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

const SIZE = 1 << 20;

describe('createImage', () => {
  const scratch = scratchFolder();

  it('makes a sparse file of just that size, all zeros', async () => {
    await createImage(scratch('disk'), SIZE);
    const { size, blocks } = statSync(scratch('disk'));
    expect({ size, blocks }).toEqual({ size: SIZE, blocks: 0 });
    expect(readFileSync(scratch('disk')).every((byte) => byte === 0)).toBe(true);
  });

  it('makes it 0600, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      await createImage(scratch('disk'), SIZE);
    } finally {
      process.umask(umask);
    }
    expect(statSync(scratch('disk')).mode & 0o777).toBe(0o600);
  });

  it('leaves a file alone that is there already', async () => {
    writeFileSync(scratch('disk'), 'precious');
    await expect(createImage(scratch('disk'), SIZE)).rejects.toMatchObject({
      code: 'DISK_EXISTS',
      message: 'the transfer disk to create exists already',
      details: { where: scratch('disk') },
    });
    expect(readFileSync(scratch('disk'), 'latin1')).toBe('precious');
  });

  it('follows no symbolic link, not even one that leads nowhere', async () => {
    symlinkSync(scratch('elsewhere'), scratch('disk'));
    await expect(createImage(scratch('disk'), SIZE)).rejects.toMatchObject({ code: 'DISK_EXISTS' });
    expect(existsSync(scratch('elsewhere'))).toBe(false);
  });

  it('refuses at once what could never be filled, and creates nothing', async () => {
    await expect(createImage(scratch('disk'), 2 ** 52)).rejects.toMatchObject({
      code: 'DISK_NO_SPACE',
      message: 'no room for the transfer disk',
      details: { where: dirname(scratch('disk')), expected: `${2 ** 52} bytes free` },
    });
    expect(readdirSync(dirname(scratch('disk')))).toEqual([]);
  });

  it('refuses a folder that is not there', async () => {
    await expect(createImage(scratch('no/disk'), SIZE)).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot create the transfer disk',
      details: { where: scratch('no/disk'), found: 'ENOENT' },
    });
  });
});
