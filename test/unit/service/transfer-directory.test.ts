/** The directory of a transfer and its journal: a valid journal is found again, and an invalid one is not used. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeTransferDir, orphanDirectories, TransferDirectory } from '../../../src/service/transfer-directory.js';

const UUID = '5f1ac4ae-1234-4abc-8def-000000000001';
const JOURNAL = { version: 1, transfer: UUID, direction: 'save', target: 3, stubdom: 7 } as const;

let parent: string;
beforeEach(() => {
  parent = mkdtempSync('/dev/shm/transfer-directory-');
});
afterEach(() => rmSync(parent, { recursive: true }));

describe('the directory of a transfer', () => {
  it('is accessible only for its owner, like its journal', () => {
    const directory = TransferDirectory.make(parent, JOURNAL);
    expect(statSync(directory.path).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory.path, 'journal.json')).mode & 0o777).toBe(0o600);
  });

  it('is found again, with everything that was noted in its journal', async () => {
    const directory = TransferDirectory.make(parent, JOURNAL);
    directory.note({ destination: '/var/lib/xen/qemu-save.3', published: { dev: 1, ino: 2 } });
    expect(await orphanDirectories(parent)).toEqual([
      {
        path: directory.path,
        transfer: UUID,
        journal: { ...JOURNAL, destination: '/var/lib/xen/qemu-save.3', published: { dev: 1, ino: 2 } },
      },
    ]);
  });

  it('is removed when its journal cannot be written', () => {
    const journal = {
      ...JOURNAL,
      toJSON: () => {
        throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      },
    };
    expect(() => TransferDirectory.make(parent, journal)).toThrow(
      expect.objectContaining({ code: 'DISK_NO_SPACE', details: expect.objectContaining({ found: 'ENOSPC' }) }),
    );
    expect(readdirSync(parent)).toEqual([]);
  });

  it('is not created where a directory or a link exists', () => {
    TransferDirectory.make(parent, JOURNAL);
    expect(() => TransferDirectory.make(parent, JOURNAL)).toThrow(expect.objectContaining({ code: 'DISK_EXISTS' }));
    rmSync(join(parent, UUID), { recursive: true });
    mkdirSync(join(parent, 'elsewhere'));
    symlinkSync(join(parent, 'elsewhere'), join(parent, UUID));
    expect(() => TransferDirectory.make(parent, JOURNAL)).toThrow(expect.objectContaining({ code: 'DISK_EXISTS' }));
    expect(readdirSync(join(parent, 'elsewhere'))).toEqual([]);
  });

  it.each([
    ['truncated', '{"version": 1, "transfer": "5f'],
    ['of another version', JSON.stringify({ ...JOURNAL, version: 2 })],
    ['of another transfer', JSON.stringify({ ...JOURNAL, transfer: UUID.replace('1', '2') })],
    ['absent', undefined],
    ['too long', JSON.stringify({ ...JOURNAL, destination: 'x'.repeat(20_000) })],
  ])('is an orphan even when its journal is %s', async (_, text) => {
    mkdirSync(join(parent, UUID));
    if (text !== undefined) writeFileSync(join(parent, UUID, 'journal.json'), text);
    expect(await orphanDirectories(parent)).toEqual([
      { path: join(parent, UUID), transfer: UUID, journal: undefined, damage: expect.any(String) },
    ]);
  });

  it('is recognized by its name', async () => {
    mkdirSync(join(parent, 'somebody'));
    writeFileSync(join(parent, 'service.lock'), '');
    expect(await orphanDirectories(parent)).toEqual([]);
  });
});

describe('the directory of all transfers', () => {
  it('is created with access only for its owner', async () => {
    await makeTransferDir(join(parent, 'run'));
    expect(statSync(join(parent, 'run')).mode & 0o777).toBe(0o700);
  });

  it('is refused when other users can enter it', async () => {
    chmodSync(parent, 0o755);
    await expect(makeTransferDir(parent)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      details: { where: parent, expected: 'a directory of this user, with mode 700', found: 'mode 755' },
    });
  });

  it('is refused when it is a link', async () => {
    mkdirSync(join(parent, 'real'), { mode: 0o700 });
    symlinkSync(join(parent, 'real'), join(parent, 'link'));
    await expect(makeTransferDir(join(parent, 'link'))).rejects.toMatchObject({ code: 'DESTINATION_UNWRITABLE' });
  });
});
