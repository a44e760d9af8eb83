import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { isInMemory, namelessFile } from '../../src/blockdev-utils/index.js';
import { openNameless } from './open-descriptors.js';

async function made(size: number): Promise<NonNullable<Awaited<ReturnType<typeof namelessFile>>>> {
  const file = await namelessFile(size);
  if (file === undefined) throw new Error('no file system in memory to write to');
  return file;
}

describe('a file without a name', () => {
  it('has its size, lies in memory, and is in no folder', async () => {
    const file = await made(12345);
    const { size, nlink } = await file.handle.stat();
    expect({ size, nlink, isInMemory: await isInMemory(file.path) }).toEqual({
      size: 12345,
      nlink: 0,
      isInMemory: true,
    });
    await file.handle.close();
  });

  it('is opened once more by its path, and is the same', async () => {
    const file = await made(0);
    writeFileSync(file.path, 'written there');
    expect(await file.handle.readFile('utf8')).toBe('written there');
    await file.handle.close();
  });

  it('is appended to, also behind an end that was moved', async () => {
    const file = await made(0);
    await file.handle.write('gone');
    await file.handle.truncate(0);
    await file.handle.write('one ');
    await file.handle.write('two');
    expect(readFileSync(file.path, 'utf8')).toBe('one two');
    await file.handle.close();
  });

  it('is nobody else’s to read', async () => {
    const file = await made(0);
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
    await file.handle.close();
  });

  it('is not left open when it cannot have its size', async () => {
    const before = openNameless();
    await expect(namelessFile(Number.MAX_SAFE_INTEGER + 1)).rejects.toThrow();
    expect(openNameless()).toEqual(before);
  });

  it('is gone when it is closed', async () => {
    const before = openNameless();
    const file = await made(4096);
    expect(openNameless()).toHaveLength(before.length + 1);
    await file.handle.close();
    expect(openNameless()).toEqual(before);
  });
});
