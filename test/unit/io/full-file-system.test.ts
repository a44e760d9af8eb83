import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createImage } from '../../../src/blockdev-utils/index.js';
import { AtomicFile } from '../../../src/io/atomic-file.js';
import { SpooledOutput } from '../../../src/io/spooled-output.js';
import { describeWith, ROOT } from '../../support/blockdev-utils/as-root.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

const UUID = '00112233-4455-6677-8899-aabbccddeeff';
const KEEP = { transferUuid: UUID, replace: false };
const KiB = 1024;

describeWith([ROOT], 'a file system with room for 64 KiB', () => {
  const small = (): string => scratch('small');
  // Before the folder around it is removed: Jest runs these in the order in which they are written.
  afterEach(() => {
    // Lazily: what was committed is closed a moment later.
    execFileSync('umount', ['--lazy', small()]);
  });
  const scratch = scratchFolder();

  beforeEach(() => {
    mkdirSync(small());
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'stubferry-test', small()]);
  });

  it('makes a save fail as DESTINATION_FULL, and leaves nothing of it', async () => {
    const part = await AtomicFile.open(`${small()}/state`, KEEP);
    await expect(part.write([new Uint8Array(100 * KiB)])).rejects.toMatchObject({
      code: 'DESTINATION_FULL',
      message: 'cannot write the destination: ENOSPC',
      details: { where: `${small()}/state`, found: 'ENOSPC' },
    });
    await part.discard();
    expect(readdirSync(small())).toEqual([]);
  });

  it('makes a save fail in whatever piece no longer fits', async () => {
    const part = await AtomicFile.open(`${small()}/state`, KEEP);
    await part.write([new Uint8Array(40 * KiB)]);
    await expect(part.write([new Uint8Array(4 * KiB), new Uint8Array(40 * KiB)])).rejects.toMatchObject({
      code: 'DESTINATION_FULL',
    });
    await part.discard();
  });

  it('takes a state that just fits', async () => {
    const part = await AtomicFile.open(`${small()}/state`, KEEP);
    await part.write([new Uint8Array(64 * KiB)]);
    await part.commit();
    expect(readdirSync(small())).toEqual(['state']);
  });

  it('makes a spool fail as DESTINATION_FULL', async () => {
    const options = { folder: small(), limit: 1 << 20, transferUuid: UUID };
    const spool = await SpooledOutput.open(options, async () => {
      throw new Error('the destination is not to be opened');
    });
    await expect(spool.write([new Uint8Array(100 * KiB)])).rejects.toMatchObject({
      code: 'DESTINATION_FULL',
      details: { where: `the spool in ${small()}` },
    });
    await spool.discard();
  });

  it('has no room for a larger transfer disk, which is then not created', async () => {
    await expect(createImage(`${small()}/disk`, 65 * KiB)).rejects.toMatchObject({
      code: 'DISK_NO_SPACE',
      message: 'no room for the transfer disk',
      details: { where: small(), expected: `${65 * KiB} bytes free`, found: `${64 * KiB} bytes free` },
    });
    expect(readdirSync(small())).toEqual([]);
  });

  it('that is read-only takes neither a state nor a transfer disk', async () => {
    execFileSync('mount', ['-o', 'remount,ro', small()]);
    await expect(AtomicFile.open(`${small()}/state`, KEEP)).rejects.toMatchObject({
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
