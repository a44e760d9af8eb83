/** Which way to the bytes of a disk is right, shown by one that is wrong; and that a wrong one is refused. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, expect, it } from '@jest/globals';
import { alignedBuffer, attachLoop, type BlockDevice, detachLoop, openDevice } from '../../src/blockdev-utils/index.js';
import { describeWith, LOOP_DEVICES, ROOT } from '../blockdev-utils/as-root.js';
import { folderIn } from './places.js';

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
