/** Which way to the bytes of a disk is right, shown by one that is wrong; and that a wrong one is refused. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, expect, it } from '@jest/globals';
import {
  alignedBuffer,
  attachLoop,
  type BlockDevice,
  detachLoop,
  openDevice,
} from '../../../../src/blockdev-utils/index.js';
import { describeWith, LOOP_DEVICES, type Need, ROOT } from '../../../support/blockdev-utils/as-root.js';
import { failureOf, PROGRAM, shell } from '../../../support/cli/run-stubferry.js';
import { folderIn, PLACES } from '../../../support/hotplug/places.js';

const MIB = 1024 * 1024;
const BLOCK = 4096;

describeWith([ROOT, LOOP_DEVICES], 'the ways to the bytes of a transfer disk', () => {
  const undo: (() => unknown)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });
  const place = folderIn('/dev/shm');

  const opened = async (path: string, access: 'direct' | 'buffered'): Promise<BlockDevice> => {
    const device = await openDevice(path, { access });
    undo.push(() => device.close());
    return device;
  };

  const firstByte = async (device: BlockDevice): Promise<number | undefined> => {
    const block = alignedBuffer(BLOCK);
    await device.read(block, 0);
    return block[0];
  };

  it('show a stale block where dom0 reads the loop device itself: its page cache is a third place', async () => {
    writeFileSync(place('image'), Buffer.alloc(MIB, 1));
    const { node } = await attachLoop(place('image'), { directIo: false });
    undo.push(() => detachLoop(node));
    const [file, mixed, direct] = [
      await opened(place('image'), 'buffered'),
      await opened(node, 'buffered'),
      await opened(node, 'direct'),
    ];
    expect(await firstByte(mixed)).toBe(1);
    await file.write(alignedBuffer(BLOCK).fill(2), 0);
    // By the rules: O_DIRECT on the device. Against them: through its page cache.
    expect(await firstByte(direct)).toBe(2);
    expect(await firstByte(mixed)).toBe(1);
  });

  it('are refused where the file system knows no direct I/O', async () => {
    mkdirSync(place('ramfs'));
    execFileSync('mount', ['-t', 'ramfs', 'ramfs', place('ramfs')]);
    undo.push(() => execFileSync('umount', [place('ramfs')]));
    writeFileSync(place('ramfs/image'), Buffer.alloc(MIB));
    // This kernel says so itself, an older one only leaves it off.
    await expect(attachLoop(place('ramfs/image'), { directIo: true })).rejects.toMatchObject({
      code: expect.stringMatching(/^(DISK_IO|DISK_INCOHERENT)$/),
    });
    expect(execFileSync('losetup', ['--associated', place('ramfs/image')], { encoding: 'utf8' })).toBe('');
  });
});

const disk = PLACES.find(([kind]) => kind === 'file')?.[1];
const A_DISK: Need = { what: 'a folder on a disk that takes O_DIRECT', isThere: disk !== undefined };

describeWith([ROOT, LOOP_DEVICES, A_DISK], 'losetup that says yes and leaves direct I/O off', () => {
  const place = folderIn(disk ?? '');

  it('is found out: what counts is what sysfs says afterwards', async () => {
    // As an older kernel does it: the option is taken, and has no effect.
    const losetup = execFileSync('which', ['losetup'], { encoding: 'utf8' }).trim();
    const words = 'for word; do shift; [ "$word" = --direct-io=on ] && word=--direct-io=off; set -- "$@" "$word"; done';
    writeFileSync(place('losetup'), `#!/bin/sh\n${words}\nexec ${losetup} "$@"\n`, { mode: 0o755 });
    const command = `agent dom0 --attach loop --disk ${place('image')} --save ${place('out')}`;
    const ended = await shell(`PATH=${place('')}:$PATH ${process.execPath} ${PROGRAM} --json ${command}`, place(''));
    expect(failureOf(ended)).toMatchObject({
      code: 'DISK_INCOHERENT',
      where: place('image'),
      expected: 'direct I/O on',
      found: 'direct I/O off',
    });
    expect(execFileSync('losetup', ['--associated', place('image')], { encoding: 'utf8' })).toBe('');
    expect(existsSync(place('image'))).toBe(false);
  });
});
