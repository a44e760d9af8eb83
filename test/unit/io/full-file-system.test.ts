import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createImage } from '../../../src/blockdev-utils/index.js';
import { AtomicFile } from '../../../src/io/atomic-file.js';
import { SpooledOutput } from '../../../src/io/spooled-output.js';
import { describeWith, ROOT } from '../../support/blockdev-utils/as-root.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

const UUID = '00112233-4455-6677-8899-aabbccddeeff';
const NEW_FILE = { transferUuid: UUID, replace: false };
const KiB = 1024;

describeWith([ROOT], 'a file system of 64 KiB', () => {
  const small = (): string => scratch('small');
  // This must run before the parent directory is removed. Jest runs the hooks in the order in which they are written.
  afterEach(() => {
    // A committed file is closed a moment later, so the unmount must be lazy.
    execFileSync('umount', ['--lazy', small()]);
  });
  const scratch = scratchFolder();

  beforeEach(() => {
    mkdirSync(small());
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'stubferry-test', small()]);
  });

  it('makes a save fail with DESTINATION_FULL and leaves nothing of it', async () => {
    const part = await AtomicFile.open(`${small()}/state`, NEW_FILE);
    await expect(part.write([new Uint8Array(100 * KiB)])).rejects.toMatchObject({
      code: 'DESTINATION_FULL',
      message: 'cannot write the destination: ENOSPC',
      details: { where: `${small()}/state`, found: 'ENOSPC' },
    });
    await part.discard();
    expect(readdirSync(small())).toEqual([]);
  });

  it('makes a save fail at the first chunk that does not fit', async () => {
    const part = await AtomicFile.open(`${small()}/state`, NEW_FILE);
    await part.write([new Uint8Array(40 * KiB)]);
    await expect(part.write([new Uint8Array(4 * KiB), new Uint8Array(40 * KiB)])).rejects.toMatchObject({
      code: 'DESTINATION_FULL',
    });
    await part.discard();
  });

  it('accepts a state that fits exactly', async () => {
    const part = await AtomicFile.open(`${small()}/state`, NEW_FILE);
    await part.write([new Uint8Array(64 * KiB)]);
    await part.commit();
    expect(readdirSync(small())).toEqual(['state']);
  });

  it('makes a spool fail with DESTINATION_FULL', async () => {
    const options = { directory: small(), limit: 1 << 20, transferUuid: UUID };
    const spool = await SpooledOutput.open(options, async () => {
      throw new Error('the destination must not be opened');
    });
    await expect(spool.write([new Uint8Array(100 * KiB)])).rejects.toMatchObject({
      code: 'DESTINATION_FULL',
      details: { where: `the spool in ${small()}` },
    });
    await spool.discard();
  });

  it('has not enough space for a larger transfer disk, which is then not created', async () => {
    await expect(createImage(`${small()}/disk`, 65 * KiB)).rejects.toMatchObject({
      code: 'DISK_NO_SPACE',
      message: 'not enough space for the transfer disk',
      details: { where: small(), expected: `${65 * KiB} bytes free`, found: `${64 * KiB} bytes free` },
    });
    expect(readdirSync(small())).toEqual([]);
  });

  it('accepts neither a state nor a transfer disk when it is read-only', async () => {
    execFileSync('mount', ['-o', 'remount,ro', small()]);
    await expect(AtomicFile.open(`${small()}/state`, NEW_FILE)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      message: 'cannot create or open the destination: EROFS',
    });
    await expect(createImage(`${small()}/disk`, 4 * KiB)).rejects.toMatchObject({
      code: 'DISK_IO',
      message: 'cannot create the transfer disk',
      details: { where: `${small()}/disk`, found: 'EROFS' },
    });
  });
});
