/** Packages that are unpacked beside each other, seen as one file system. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { UnpackedFiles } from '../../../src/image/unpacked-files.js';
import { scratchFolder } from '../../support/image/elf-tree.js';

describe('unpacked packages', () => {
  let root = '';
  const put = async (path: string, target?: string): Promise<string> => {
    const place = join(root, path);
    await mkdir(dirname(place), { recursive: true });
    await (target === undefined ? writeFile(place, path) : symlink(target, place));
    return place;
  };
  const find = async (path: string): Promise<string | undefined> => {
    return (await UnpackedFiles.index([join(root, 'a'), join(root, 'b')])).find(path);
  };

  beforeEach(async () => {
    root = await scratchFolder();
    await mkdir(join(root, 'a'));
    await mkdir(join(root, 'b'));
  });

  it('are searched one after the other', async () => {
    const place = await put('b/usr/bin/node');
    expect(await find('/usr/bin/node')).toBe(place);
    expect(await find('/usr/bin/nodejs')).toBeUndefined();
  });

  it('have merged /usr: what a package has in /lib is in /usr/lib', async () => {
    const place = await put('a/lib/x86_64-linux-gnu/libc.so.6');
    expect(await find('/usr/lib/x86_64-linux-gnu/libc.so.6')).toBe(place);
  });

  it('may have links to files of each other, relative or absolute', async () => {
    const place = await put('b/lib/libm.so.6.1');
    await put('a/usr/lib/libm.so.6', 'libm.so.6.1');
    await put('a/usr/lib/libm.so', '/lib/libm.so.6');
    expect(await find('/usr/lib/libm.so')).toBe(place);
  });

  it('may have links to folders', async () => {
    const place = await put('a/usr/share/qemu/bios.bin');
    await put('b/usr/lib/qemu', '../share/qemu');
    expect(await find('/usr/lib/qemu/bios.bin')).toBe(place);
  });

  it('may have a link to nothing, or in a circle', async () => {
    await put('a/usr/lib/gone.so', 'nowhere.so');
    await put('a/usr/lib/one.so', 'two.so');
    await put('a/usr/lib/two.so', 'one.so');
    expect(await find('/usr/lib/gone.so')).toBeUndefined();
    expect(await find('/usr/lib/one.so')).toBeUndefined();
  });

  it('cannot lead out of what was unpacked', async () => {
    await put('a/usr/bin/sh', '../../../../../../../../bin/sh');
    expect(await find('/usr/bin/sh')).toBeUndefined();
  });

  it('list a folder that several of them have, sorted', async () => {
    await put('b/usr/lib/xen-4.17/a');
    await put('a/usr/lib/xen-4.9/a');
    await put('a/lib/z');
    const files = await UnpackedFiles.index([join(root, 'a'), join(root, 'b')]);
    expect(files.list('/usr/lib')).toEqual(['xen-4.17', 'xen-4.9', 'z']);
    expect(files.list('/usr/share')).toEqual([]);
  });
});
