/** Packages in separate directories, presented as one file system. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { UnpackedFiles } from '../../../src/image/unpacked-files.js';
import { scratchDirectory } from '../../support/image/elf-tree.js';

describe('unpacked packages', () => {
  let root = '';
  const put = async (path: string, target?: string): Promise<string> => {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await (target === undefined ? writeFile(file, path) : symlink(target, file));
    return file;
  };
  const find = async (path: string): Promise<string | undefined> => {
    return (await UnpackedFiles.index([join(root, 'a'), join(root, 'b')])).find(path);
  };

  beforeEach(async () => {
    root = await scratchDirectory();
    await mkdir(join(root, 'a'));
    await mkdir(join(root, 'b'));
  });

  it('are searched one after the other', async () => {
    const file = await put('b/usr/bin/node');
    expect(await find('/usr/bin/node')).toBe(file);
    expect(await find('/usr/bin/nodejs')).toBeUndefined();
  });

  it('have the merged /usr layout: a file of /lib is in /usr/lib', async () => {
    const file = await put('a/lib/x86_64-linux-gnu/libc.so.6');
    expect(await find('/usr/lib/x86_64-linux-gnu/libc.so.6')).toBe(file);
  });

  it('may have relative and absolute links to files of each other', async () => {
    const file = await put('b/lib/libm.so.6.1');
    await put('a/usr/lib/libm.so.6', 'libm.so.6.1');
    await put('a/usr/lib/libm.so', '/lib/libm.so.6');
    expect(await find('/usr/lib/libm.so')).toBe(file);
  });

  it('may have links to directories', async () => {
    const file = await put('a/usr/share/qemu/bios.bin');
    await put('b/usr/lib/qemu', '../share/qemu');
    expect(await find('/usr/lib/qemu/bios.bin')).toBe(file);
  });

  it('may have a broken link, or a loop of links', async () => {
    await put('a/usr/lib/gone.so', 'nowhere.so');
    await put('a/usr/lib/one.so', 'two.so');
    await put('a/usr/lib/two.so', 'one.so');
    expect(await find('/usr/lib/gone.so')).toBeUndefined();
    expect(await find('/usr/lib/one.so')).toBeUndefined();
  });

  it('cannot have links to files outside of the packages', async () => {
    await put('a/usr/bin/sh', '../../../../../../../../bin/sh');
    expect(await find('/usr/bin/sh')).toBeUndefined();
  });

  it('list a directory of several packages, sorted', async () => {
    await put('b/usr/lib/xen-4.17/a');
    await put('a/usr/lib/xen-4.9/a');
    await put('a/lib/z');
    const files = await UnpackedFiles.index([join(root, 'a'), join(root, 'b')]);
    expect(files.list('/usr/lib')).toEqual(['xen-4.17', 'xen-4.9', 'z']);
    expect(files.list('/usr/share')).toEqual([]);
  });
});
