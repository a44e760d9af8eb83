/** The folder of a transfer and its journal: what is in it is found again, and what is none is not believed. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeTransferDir, orphanFolders, TransferFolder } from '../../../src/service/transfer-folder.js';

const UUID = '5f1ac4ae-1234-4abc-8def-000000000001';
const JOURNAL = { version: 1, transfer: UUID, direction: 'save', target: 3, stubdom: 7 } as const;

let parent: string;
beforeEach(() => {
  parent = mkdtempSync('/dev/shm/transfer-folder-');
});
afterEach(() => rmSync(parent, { recursive: true }));

describe('the folder of a transfer', () => {
  it('is for its owner alone, as is its journal', () => {
    const folder = TransferFolder.make(parent, JOURNAL);
    expect(statSync(folder.path).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder.path, 'journal.json')).mode & 0o777).toBe(0o600);
  });

  it('is found again with all that was noted', async () => {
    const folder = TransferFolder.make(parent, JOURNAL);
    folder.note({ destination: '/var/lib/xen/qemu-save.3', published: { dev: 1, ino: 2 } });
    expect(await orphanFolders(parent)).toEqual([
      {
        path: folder.path,
        transfer: UUID,
        journal: { ...JOURNAL, destination: '/var/lib/xen/qemu-save.3', published: { dev: 1, ino: 2 } },
      },
    ]);
  });

  it('is not left without a journal when that cannot be written', () => {
    const journal = {
      ...JOURNAL,
      toJSON: () => {
        throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      },
    };
    expect(() => TransferFolder.make(parent, journal)).toThrow(
      expect.objectContaining({ code: 'DISK_NO_SPACE', details: expect.objectContaining({ found: 'ENOSPC' }) }),
    );
    expect(readdirSync(parent)).toEqual([]);
  });

  it('is refused where one is, or a link that somebody has put there', () => {
    TransferFolder.make(parent, JOURNAL);
    expect(() => TransferFolder.make(parent, JOURNAL)).toThrow(expect.objectContaining({ code: 'DISK_EXISTS' }));
    rmSync(join(parent, UUID), { recursive: true });
    mkdirSync(join(parent, 'elsewhere'));
    symlinkSync(join(parent, 'elsewhere'), join(parent, UUID));
    expect(() => TransferFolder.make(parent, JOURNAL)).toThrow(expect.objectContaining({ code: 'DISK_EXISTS' }));
    expect(readdirSync(join(parent, 'elsewhere'))).toEqual([]);
  });

  it.each([
    ['cut off', '{"version": 1, "transfer": "5f'],
    ['of another version', JSON.stringify({ ...JOURNAL, version: 2 })],
    ['of another transfer', JSON.stringify({ ...JOURNAL, transfer: UUID.replace('1', '2') })],
    ['absent', undefined],
    ['too long', JSON.stringify({ ...JOURNAL, destination: 'x'.repeat(20_000) })],
  ])('with a journal that is %s is left over all the same', async (_, text) => {
    mkdirSync(join(parent, UUID));
    if (text !== undefined) writeFileSync(join(parent, UUID, 'journal.json'), text);
    expect(await orphanFolders(parent)).toEqual([
      { path: join(parent, UUID), transfer: UUID, journal: undefined, damage: expect.any(String) },
    ]);
  });

  it('is told from what is not ours by its name', async () => {
    mkdirSync(join(parent, 'somebody'));
    writeFileSync(join(parent, 'service.lock'), '');
    expect(await orphanFolders(parent)).toEqual([]);
  });
});

describe('the folder of all transfers', () => {
  it('is made for its owner alone', async () => {
    await makeTransferDir(join(parent, 'run'));
    expect(statSync(join(parent, 'run')).mode & 0o777).toBe(0o700);
  });

  it('that others can enter is refused', async () => {
    chmodSync(parent, 0o755);
    await expect(makeTransferDir(parent)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      details: { where: parent, expected: 'a folder of this user, with mode 700', found: 'mode 755' },
    });
  });

  it('that is a link is refused', async () => {
    mkdirSync(join(parent, 'real'), { mode: 0o700 });
    symlinkSync(join(parent, 'real'), join(parent, 'link'));
    await expect(makeTransferDir(join(parent, 'link'))).rejects.toMatchObject({ code: 'DESTINATION_UNWRITABLE' });
  });
});
