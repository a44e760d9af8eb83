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

  it('has the path, size, sector size and access path of the file', async () => {
    expect(await opened()).toMatchObject({
      path: scratch('disk'),
      size: SIZE,
      blockSize: 512,
      access: 'buffered',
    });
  });

  it('reads the bytes at any offset', async () => {
    const disk = await opened();
    const into = new Uint8Array(1000);
    await disk.read(into, 12345);
    expect(Buffer.from(into).equals(sampleState(SIZE).subarray(12345, 13345))).toBe(true);
  });

  it('writes only the requested range', async () => {
    const disk = await opened();
    await disk.write(new Uint8Array(1000).fill(9), 12345);
    await disk.flush();
    const expected = Buffer.from(sampleState(SIZE)).fill(9, 12345, 13345);
    expect(readFileSync(scratch('disk')).equals(expected)).toBe(true);
  });

  it('refuses requests after close, because the kernel may reuse the descriptor for another file', async () => {
    const disk = await opened();
    await disk.close();
    await expect(disk.write(new Uint8Array(10), 0)).rejects.toMatchObject({
      code: 'DISK_IO',
      details: { found: 'the device is closed' },
    });
    await expect(disk.read(new Uint8Array(10), 0)).rejects.toMatchObject({ code: 'DISK_IO' });
  });

  it('closes its descriptor at the completion of the last request when it is closed during a request', async () => {
    const disk = await opened();
    const reading = disk.read(new Uint8Array(SIZE), 0);
    await disk.close();
    expect(openOn(scratch('disk'))).toBe(1);
    await reading;
    await untilClosed(scratch('disk'));
  });

  /** Resolves at the next write notification of `disk`. */
  function writeNotification(disk: BlockDevice): Promise<void> {
    return new Promise((resolve) => {
      const stop = disk.watch?.(() => {
        stop?.();
        resolve();
      });
    });
  }

  it('reports the writes of another user, so that no polling is needed', async () => {
    const notified = writeNotification(notifyingDevice(await opened(), scratch('disk')));
    const other = await openDevice(scratch('disk'), { access: 'buffered' });
    await other.write(new Uint8Array(10), 0);
    await notified;
    await other.close();
  });

  it('reports writes through another path when the other user has one', async () => {
    writeFileSync(scratch('another path'), '');
    const notified = writeNotification(notifyingDevice(await opened(), scratch('another path')));
    appendFileSync(scratch('another path'), 'x');
    await notified;
  });

  it('has no watch method when the path of the other user is not known', async () => {
    expect(notifyingDevice(await opened(), undefined).watch).toBeUndefined();
  });

  it('reads and writes up to its last byte', async () => {
    const disk = await opened();
    await expect(disk.write(new Uint8Array(10), SIZE - 10)).resolves.toBeUndefined();
    await expect(disk.read(new Uint8Array(10), SIZE - 10)).resolves.toBeUndefined();
  });

  it.each([
    [SIZE - 9, 10],
    [SIZE, 1],
    [-1, 10],
  ])('refuses the range %i+%i outside of the device as a fault of the caller', async (position, length) => {
    const disk = await opened();
    const attempt = async (): Promise<void> => disk.read(new Uint8Array(length), position);
    await expect(attempt).rejects.toEqual(
      new RangeError(`${position}+${length} is outside of ${scratch('disk')} (${SIZE} bytes)`),
    );
  });

  it('fails with DISK_IO at its new end when the file became shorter', async () => {
    const disk = await opened();
    truncateSync(scratch('disk'), 5000);
    await expect(disk.read(new Uint8Array(4096), 4096)).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot read the transfer disk',
      details: {
        ...{ where: scratch('disk'), offset: 5000, found: 'the disk ends here' },
        hint: expect.any(String),
      },
    });
  });

  it('cannot be written when it is opened only for reading', async () => {
    const disk = await opened(true);
    await expect(disk.write(new Uint8Array(512), 512)).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot write the transfer disk',
      details: { where: scratch('disk'), offset: 512, found: 'EBADF' },
    });
    expect(readFileSync(scratch('disk')).equals(sampleState(SIZE))).toBe(true);
  });

  it('is stalled exactly as long as a request is in progress', async () => {
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

  it('fails with DISK_ABSENT for a path that does not exist, and creates no file', async () => {
    await expect(openDevice(scratch('xvdz'), { access: 'direct' })).rejects.toMatchObject({
      code: 'DISK_ABSENT',
      message: 'the transfer disk does not exist',
      details: { where: scratch('xvdz'), found: 'ENOENT' },
    });
    await expect(openDevice(scratch('xvdz'), { access: 'buffered' })).rejects.toMatchObject({
      code: 'DISK_ABSENT',
    });
  });

  it('fails with DISK_IO for a path that cannot be opened', async () => {
    mkdirSync(scratch('directory'));
    await expect(openDevice(scratch('directory'), { access: 'buffered' })).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot open the transfer disk',
      details: { where: scratch('directory'), found: 'EISDIR' },
    });
  });

  it('does not fall back when the file system refuses O_DIRECT', async () => {
    const path = '/proc/self/status';
    await expect(openDevice(path, { access: 'direct', readOnly: true })).rejects.toMatchObject({
      code: 'DISK_IO',
      details: { where: path, found: 'EINVAL', expected: 'a medium that supports O_DIRECT' },
    });
    const buffered = await openDevice(path, { access: 'buffered', readOnly: true });
    expect(buffered.access).toBe('buffered');
    await buffered.close();
  });

  it('refuses an unaligned range with O_DIRECT before it calls the kernel', async () => {
    writeFileSync(scratch('disk'), new Uint8Array(SIZE));
    const disk = await openDevice(scratch('disk'), { access: 'direct' });
    const attempt = async (length: number, position: number): Promise<void> =>
      disk.read(alignedBuffer(8192).subarray(0, length), position);
    await expect(attempt(4096, 100)).rejects.toEqual(new RangeError('100+4096 is not aligned to 512 for O_DIRECT'));
    await expect(attempt(100, 0)).rejects.toBeInstanceOf(RangeError);
    await disk.close();
  });
});
