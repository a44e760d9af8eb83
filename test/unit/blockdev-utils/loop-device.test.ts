import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, expect, it } from '@jest/globals';
import {
  type AccessPath,
  alignedBuffer,
  type BlockDevice,
  lockExclusive,
  openDevice,
} from '../../../src/blockdev-utils/index.js';
import { describeWith, LOOP_DEVICES, ROOT } from '../../support/blockdev-utils/as-root.js';
import { attachLoop, detachLoop, type LoopOptions } from '../../support/blockdev-utils/loop-device.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

const SIZE = 1 << 20;

describeWith([ROOT, LOOP_DEVICES], 'a loop device', () => {
  let node: string | undefined;
  let device: BlockDevice | undefined;
  afterEach(async () => {
    await device?.close();
    if (node !== undefined) detachLoop(node);
    node = device = undefined;
  });
  const scratch = scratchFolder();

  function attached(options?: LoopOptions): string {
    writeFileSync(scratch('image'), sampleState(SIZE));
    node = attachLoop(scratch('image'), options);
    return node;
  }

  async function opened(access: AccessPath, options?: LoopOptions): Promise<BlockDevice> {
    const readOnly = options?.readOnly ?? false;
    device = await openDevice(attached(options), { access, readOnly });
    return device;
  }

  /** Returns an aligned buffer of one block that is filled with `byte`. */
  function block(byte: number): Uint8Array {
    return alignedBuffer(4096).fill(byte);
  }

  it.each([512, 4096])('has its size and its sector size of %i bytes', async (sectorSize) => {
    expect(await opened('direct', { sectorSize })).toMatchObject({
      path: node,
      size: SIZE,
      blockSize: sectorSize,
      access: 'direct',
    });
  });

  it.each(['direct', 'buffered'] as const)(
    'has no watch method when it is opened with the access path %s',
    async (access) => {
      expect((await opened(access)).watch).toBeUndefined();
    },
  );

  it('reads the content of the file with O_DIRECT', async () => {
    const disk = await opened('direct');
    const into = alignedBuffer(SIZE);
    await disk.read(into, 0);
    expect(Buffer.from(into).equals(sampleState(SIZE))).toBe(true);
  });

  it('changes only the written range of the file with O_DIRECT', async () => {
    const disk = await opened('direct');
    await disk.write(block(9), SIZE - 4096);
    await disk.flush();
    expect(readFileSync(scratch('image')).equals(Buffer.from(sampleState(SIZE)).fill(9, SIZE - 4096))).toBe(true);
  });

  it('immediately reads with O_DIRECT what another user writes with O_DIRECT', async () => {
    const reader = await opened('direct');
    const writer = await openDevice(reader.path, { access: 'direct' });
    const into = alignedBuffer(4096);
    for (const byte of [1, 2, 3]) {
      await writer.write(block(byte), 8192);
      await reader.read(into, 8192);
      expect(into).toEqual(block(byte));
    }
    await writer.close();
  });

  it.each([
    ['position', 256, 4096],
    ['length', 512, 256],
  ])('refuses an unaligned %s only with O_DIRECT', async (_, position, length) => {
    const disk = await opened('direct');
    const attempt = async (on: BlockDevice): Promise<void> =>
      on.read(alignedBuffer(4096).subarray(0, length), position);
    await expect(attempt(disk)).rejects.toEqual(
      new RangeError(`${position}+${length} is not aligned to 512 for O_DIRECT`),
    );
    const buffered = await openDevice(disk.path, { access: 'buffered' });
    await expect(attempt(buffered)).resolves.toBeUndefined();
    await buffered.close();
  });

  it('refuses unaligned memory with O_DIRECT', async () => {
    const disk = await opened('direct');
    const attempt = async (): Promise<void> => disk.read(alignedBuffer(8192).subarray(8, 4104), 0);
    await expect(attempt).rejects.toBeInstanceOf(RangeError);
  });

  it('refuses half a sector when its sectors have 4096 bytes', async () => {
    const disk = await opened('direct', { sectorSize: 4096 });
    const attempt = async (): Promise<void> => disk.read(alignedBuffer(4096), 2048);
    await expect(attempt).rejects.toEqual(new RangeError('2048+4096 is not aligned to 4096 for O_DIRECT'));
  });

  it('fails with DISK_IO and the errno of the kernel when its file became shorter', async () => {
    const disk = await opened('direct');
    truncateSync(scratch('image'), 4096);
    await expect(disk.read(alignedBuffer(4096), 8192)).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot read the transfer disk',
      details: { where: disk.path, offset: 8192, found: 'EIO' },
    });
  });

  it('can be inspected but not written when it is read-only', async () => {
    const path = attached({ readOnly: true });
    const attempt = async (): Promise<void> => {
      device = await openDevice(path, { access: 'direct' });
      await device.write(block(9), 0);
    };
    // The kernel version determines whether the open or the write fails.
    await expect(attempt).rejects.toMatchObject({ code: 'DISK_IO', details: { where: path } });
    await device?.close();
    device = await openDevice(path, { access: 'direct', readOnly: true });
    await expect(device.read(alignedBuffer(4096), 0)).resolves.toBeUndefined();
  });

  it('can be locked only once', async () => {
    const path = attached();
    const lock = await lockExclusive(path);
    await expect(lockExclusive(path)).rejects.toMatchObject({
      code: 'DISK_LOCKED',
      details: { where: path },
    });
    await lock.release();
    await (await lockExclusive(path)).release();
  });
});

describeWith([ROOT], 'a device node', () => {
  const scratch = scratchFolder();

  it('without a device fails with DISK_ABSENT', async () => {
    execFileSync('mknod', [scratch('node'), 'b', '239', '255']);
    await expect(openDevice(scratch('node'), { access: 'direct' })).rejects.toMatchObject({
      code: 'DISK_ABSENT',
      details: { where: scratch('node'), found: 'ENXIO' },
    });
  });
});
