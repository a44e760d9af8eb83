/**
 * Which access path to a disk is coherent: shows a stale read through a wrong one, and that wrong ones are rejected.
 */
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
import { directoryIn, PLACES } from '../../../support/hotplug/places.js';

const MIB = 1024 * 1024;
const BLOCK = 4096;

describeWith([ROOT, LOOP_DEVICES], 'the access paths of a transfer disk', () => {
  const undo: (() => unknown)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });
  const pathOf = directoryIn('/dev/shm');

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

  it('return a stale block when dom0 reads the loop device through its page cache', async () => {
    writeFileSync(pathOf('image'), Buffer.alloc(MIB, 1));
    const { node } = await attachLoop(pathOf('image'), { directIo: false });
    undo.push(() => detachLoop(node));
    const [file, mixed, direct] = [
      await opened(pathOf('image'), 'buffered'),
      await opened(node, 'buffered'),
      await opened(node, 'direct'),
    ];
    expect(await firstByte(mixed)).toBe(1);
    await file.write(alignedBuffer(BLOCK).fill(2), 0);
    // Coherent: O_DIRECT on the device. Not coherent: its page cache.
    expect(await firstByte(direct)).toBe(2);
    expect(await firstByte(mixed)).toBe(1);
  });

  it('are rejected on a file system without direct I/O', async () => {
    mkdirSync(pathOf('ramfs'));
    execFileSync('mount', ['-t', 'ramfs', 'ramfs', pathOf('ramfs')]);
    undo.push(() => execFileSync('umount', [pathOf('ramfs')]));
    writeFileSync(pathOf('ramfs/image'), Buffer.alloc(MIB));
    // This kernel reports an error; an older one only leaves direct I/O off.
    await expect(attachLoop(pathOf('ramfs/image'), { directIo: true })).rejects.toMatchObject({
      code: expect.stringMatching(/^(DISK_IO|DISK_INCOHERENT)$/),
    });
    expect(execFileSync('losetup', ['--associated', pathOf('ramfs/image')], { encoding: 'utf8' })).toBe('');
  });
});

const disk = PLACES.find(([kind]) => kind === 'file')?.[1];
const A_DISK: Need = { what: 'a directory on a disk that supports O_DIRECT', isThere: disk !== undefined };

describeWith([ROOT, LOOP_DEVICES, A_DISK], 'a losetup that succeeds and leaves direct I/O off', () => {
  const pathOf = directoryIn(disk ?? '');

  it('is detected, because sysfs decides', async () => {
    // An older kernel accepts the option without any effect.
    const losetup = execFileSync('which', ['losetup'], { encoding: 'utf8' }).trim();
    const options =
      'for word; do shift; [ "$word" = --direct-io=on ] && word=--direct-io=off; set -- "$@" "$word"; done';
    writeFileSync(pathOf('losetup'), `#!/bin/sh\n${options}\nexec ${losetup} "$@"\n`, { mode: 0o755 });
    const command = `agent dom0 --attach loop --disk ${pathOf('image')} --save ${pathOf('out')}`;
    const ended = await shell(`PATH=${pathOf('')}:$PATH ${process.execPath} ${PROGRAM} --json ${command}`, pathOf(''));
    expect(failureOf(ended)).toMatchObject({
      code: 'DISK_INCOHERENT',
      where: pathOf('image'),
      expected: 'direct I/O on',
      found: 'direct I/O off',
    });
    expect(execFileSync('losetup', ['--associated', pathOf('image')], { encoding: 'utf8' })).toBe('');
    expect(existsSync(pathOf('image'))).toBe(false);
  });
});
