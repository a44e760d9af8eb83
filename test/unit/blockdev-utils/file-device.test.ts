import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { alignedBuffer, type BlockDevice, notifyingDevice, openDevice } from '../../../src/blockdev-utils/index.js';
import { openOn, untilClosed } from '../../support/blockdev-utils/open-descriptors.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

const SIZE = 65536;

describe('a regular file as a device', () => {
  const scratch = scratchFolder();
  let device: BlockDevice | undefined;
  afterEach(async () => {
    await device?.close();
    device = undefined;
  });

  async function opened(readOnly = false): Promise<BlockDevice> {
    writeFileSync(scratch('disk'), sampleState(SIZE));
    device = await openDevice(scratch('disk'), { access: 'buffered', readOnly });
    return device;
  }

  it('says what it is', async () => {
    expect(await opened()).toMatchObject({
      path: scratch('disk'),
      size: SIZE,
      blockSize: 512,
      access: 'buffered',
    });
  });

  it('reads what is there, at any place', async () => {
    const disk = await opened();
    const into = new Uint8Array(1000);
    await disk.read(into, 12345);
    expect(Buffer.from(into).equals(sampleState(SIZE).subarray(12345, 13345))).toBe(true);
  });

  it('writes where it is told to, and nowhere else', async () => {
    const disk = await opened();
    await disk.write(new Uint8Array(1000).fill(9), 12345);
    await disk.flush();
    const expected = Buffer.from(sampleState(SIZE)).fill(9, 12345, 13345);
    expect(readFileSync(scratch('disk')).equals(expected)).toBe(true);
  });

  it('takes nothing more when it is closed: its descriptor may be another file by then', async () => {
    const disk = await opened();
    await disk.close();
    await expect(disk.write(new Uint8Array(10), 0)).rejects.toMatchObject({
      code: 'DISK_IO',
      details: { found: 'it was closed' },
    });
    await expect(disk.read(new Uint8Array(10), 0)).rejects.toMatchObject({ code: 'DISK_IO' });
  });

  it('is let go of by the last answer when it is closed under a request', async () => {
    const disk = await opened();
    const reading = disk.read(new Uint8Array(SIZE), 0);
    await disk.close();
    expect(openOn(scratch('disk'))).toBe(1);
    await reading;
    await untilClosed(scratch('disk'));
  });

  /** Settles when `disk` is told of a write. */
  function told(disk: BlockDevice): Promise<void> {
    return new Promise((resolve) => {
      const stop = disk.watch?.(() => {
        stop?.();
        resolve();
      });
    });
  }

  it('is told of what somebody else writes to it, so that nobody has to look all the time', async () => {
    const heard = told(notifyingDevice(await opened(), scratch('disk')));
    const other = await openDevice(scratch('disk'), { access: 'buffered' });
    await other.write(new Uint8Array(10), 0);
    await heard;
    await other.close();
  });

  it('is told of writes by another path, where its other user has one', async () => {
    writeFileSync(scratch('by another path'), '');
    const heard = told(notifyingDevice(await opened(), scratch('by another path')));
    appendFileSync(scratch('by another path'), 'x');
    await heard;
  });

  it('does not pretend to be told where no path of its other user is known', async () => {
    expect(notifyingDevice(await opened(), undefined).watch).toBeUndefined();
  });

  it('reads and writes up to its very end', async () => {
    const disk = await opened();
    await expect(disk.write(new Uint8Array(10), SIZE - 10)).resolves.toBeUndefined();
    await expect(disk.read(new Uint8Array(10), SIZE - 10)).resolves.toBeUndefined();
  });

  it.each([
    [SIZE - 9, 10],
    [SIZE, 1],
    [-1, 10],
  ])('refuses %i+%i, which is outside of it, as a fault of the caller', async (position, length) => {
    const disk = await opened();
    const attempt = async (): Promise<void> => disk.read(new Uint8Array(length), position);
    await expect(attempt).rejects.toEqual(
      new RangeError(`${position}+${length} is outside of ${scratch('disk')} (${SIZE} bytes)`),
    );
  });

  it('that became shorter is DISK_IO where it ends now', async () => {
    const disk = await opened();
    truncateSync(scratch('disk'), 5000);
    await expect(disk.read(new Uint8Array(4096), 4096)).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot read the transfer disk',
      details: {
        ...{ where: scratch('disk'), offset: 5000, found: 'the disk ends here' },
        hint: "the log of dom0's agent tells if it has taken the disk away; else look at the kernel's log (dmesg)",
      },
    });
  });

  it('opened for reading only cannot be written', async () => {
    const disk = await opened(true);
    await expect(disk.write(new Uint8Array(512), 512)).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot write the transfer disk',
      details: { where: scratch('disk'), offset: 512, found: 'EBADF' },
    });
    expect(readFileSync(scratch('disk')).equals(sampleState(SIZE))).toBe(true);
  });

  it('is stalled for as long as a request is under way, and no longer', async () => {
    const disk = await opened();
    expect(disk.stalledFor()).toBe(0);
    const reading = disk.read(new Uint8Array(512), 0);
    const since = performance.now();
    while (performance.now() === since);
    expect(disk.stalledFor()).toBeGreaterThan(0);
    await reading;
    expect(disk.stalledFor()).toBe(0);
  });

  it('may be closed twice', async () => {
    const disk = await opened();
    await disk.close();
    await expect(disk.close()).resolves.toBeUndefined();
  });
});

describe('openDevice', () => {
  const scratch = scratchFolder();

  it('says DISK_ABSENT for what is not there, and makes no file of it', async () => {
    await expect(openDevice(scratch('xvdz'), { access: 'direct' })).rejects.toMatchObject({
      code: 'DISK_ABSENT',
      message: 'there is no such transfer disk',
      details: { where: scratch('xvdz'), found: 'ENOENT' },
    });
    await expect(openDevice(scratch('xvdz'), { access: 'buffered' })).rejects.toMatchObject({
      code: 'DISK_ABSENT',
    });
  });

  it('says DISK_IO for what cannot be opened', async () => {
    mkdirSync(scratch('folder'));
    await expect(openDevice(scratch('folder'), { access: 'buffered' })).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot open the transfer disk',
      details: { where: scratch('folder'), found: 'EISDIR' },
    });
  });

  it('does not fall back where a file system refuses O_DIRECT', async () => {
    const path = '/proc/self/status';
    await expect(openDevice(path, { access: 'direct', readOnly: true })).rejects.toMatchObject({
      code: 'DISK_IO',
      details: { where: path, found: 'EINVAL', expected: 'a medium that takes O_DIRECT' },
    });
    const buffered = await openDevice(path, { access: 'buffered', readOnly: true });
    expect(buffered.access).toBe('buffered');
    await buffered.close();
  });

  it('refuses what is not aligned before the kernel sees it, with O_DIRECT', async () => {
    writeFileSync(scratch('disk'), new Uint8Array(SIZE));
    const disk = await openDevice(scratch('disk'), { access: 'direct' });
    const attempt = async (length: number, position: number): Promise<void> =>
      disk.read(alignedBuffer(8192).subarray(0, length), position);
    await expect(attempt(4096, 100)).rejects.toEqual(new RangeError('100+4096 is not aligned to 512 for O_DIRECT'));
    await expect(attempt(100, 0)).rejects.toBeInstanceOf(RangeError);
    await disk.close();
  });
});
