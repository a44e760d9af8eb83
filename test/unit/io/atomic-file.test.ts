import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { AtomicFile, temporaryPath } from '../../../src/io/atomic-file.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

const UUID = '00112233-4455-6677-8899-aabbccddeeff';
const NEW_FILE = { transferUuid: UUID, replace: false };
const REPLACE = { transferUuid: UUID, replace: true };
const text = (...chunks: string[]): Uint8Array[] => chunks.map((chunk) => Buffer.from(chunk));

// The calls are synchronous on tmpfs and asynchronous elsewhere.
describe.each([tmpdir(), '/dev/shm'])('AtomicFile in %s', (parent) => {
  const scratch = scratchFolder(parent);
  const names = (): string[] => readdirSync(dirname(scratch('x'))).sort();

  it('does not appear under its name before commit', async () => {
    const part = await AtomicFile.open(scratch('state'), NEW_FILE);
    await part.write(text('abc'));
    expect(names()).toEqual([`.state.${UUID}.part`]);
    await part.commit();
    expect(names()).toEqual(['state']);
  });

  it('contains all written bytes in order', async () => {
    const part = await AtomicFile.open(scratch('state'), NEW_FILE);
    await part.write(text('a', 'bc', ''));
    await part.write(text('def'));
    await part.commit();
    expect(readFileSync(scratch('state'), 'latin1')).toBe('abcdef');
  });

  it('may be empty', async () => {
    const part = await AtomicFile.open(scratch('state'), NEW_FILE);
    await part.commit();
    expect(statSync(scratch('state')).size).toBe(0);
  });

  it('has mode 0600 before and after commit, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      const part = await AtomicFile.open(scratch('state'), NEW_FILE);
      expect(statSync(temporaryPath(scratch('state'), UUID)).mode & 0o777).toBe(0o600);
      await part.commit();
      expect(statSync(scratch('state')).mode & 0o777).toBe(0o600);
    } finally {
      process.umask(umask);
    }
  });

  it('leaves nothing behind when it is discarded once or twice', async () => {
    const part = await AtomicFile.open(scratch('state'), NEW_FILE);
    await part.write(text('abc'));
    expect(await part.discard()).toBe(true);
    expect(await part.discard()).toBe(true);
    expect(names()).toEqual([]);
  });

  it('stays when it is discarded after commit', async () => {
    const part = await AtomicFile.open(scratch('state'), NEW_FILE);
    await part.commit();
    expect(await part.discard()).toBe(false);
    expect(names()).toEqual(['state']);
  });

  it('can be discarded during its commit, and then never gets its name', async () => {
    const part = await AtomicFile.open(scratch('state'), NEW_FILE);
    const outcome = expect(part.commit()).rejects.toMatchObject({ code: 'DESTINATION_IO' });
    expect(await part.discard()).toBe(true);
    await outcome;
    expect(names()).toEqual([]);
  });

  it('can be opened again after a discard', async () => {
    await (await AtomicFile.open(scratch('state'), NEW_FILE)).discard();
    const part = await AtomicFile.open(scratch('state'), NEW_FILE);
    await part.commit();
    expect(names()).toEqual(['state']);
  });
});

describe('AtomicFile, when the destination exists,', () => {
  const scratch = scratchFolder();

  it('refuses the destination before anything is written', async () => {
    writeFileSync(scratch('state'), 'old');
    await expect(AtomicFile.open(scratch('state'), NEW_FILE)).rejects.toMatchObject({
      code: 'DESTINATION_EXISTS',
      message: 'cannot create or open the destination: EEXIST',
      details: { where: scratch('state'), found: 'EEXIST' },
    });
    expect(readdirSync(dirname(scratch('x')))).toEqual(['state']);
  });

  it('refuses a symbolic link, even a dangling one', async () => {
    symlinkSync(scratch('nowhere'), scratch('state'));
    await expect(AtomicFile.open(scratch('state'), NEW_FILE)).rejects.toMatchObject({ code: 'DESTINATION_EXISTS' });
    expect(existsSync(scratch('nowhere'))).toBe(false);
  });

  it('refuses at commit a file that was created in the meantime, and does not change it', async () => {
    const part = await AtomicFile.open(scratch('state'), NEW_FILE);
    await part.write(text('new'));
    writeFileSync(scratch('state'), 'meanwhile');
    await expect(part.commit()).rejects.toMatchObject({
      code: 'DESTINATION_EXISTS',
      message: 'cannot create or open the destination: EEXIST',
    });
    await part.discard();
    expect(readFileSync(scratch('state'), 'latin1')).toBe('meanwhile');
    expect(readdirSync(dirname(scratch('x')))).toEqual(['state']);
  });

  it('replaces the file only at commit, with the option replace', async () => {
    writeFileSync(scratch('state'), 'old');
    const part = await AtomicFile.open(scratch('state'), REPLACE);
    await part.write(text('new'));
    expect(readFileSync(scratch('state'), 'latin1')).toBe('old');
    await part.commit();
    expect(readFileSync(scratch('state'), 'latin1')).toBe('new');
  });

  it('does not change the file when the output is discarded, with the option replace', async () => {
    writeFileSync(scratch('state'), 'old');
    const part = await AtomicFile.open(scratch('state'), REPLACE);
    await part.write(text('new'));
    await part.discard();
    expect(readFileSync(scratch('state'), 'latin1')).toBe('old');
  });
});

describe('AtomicFile, when no file can be created,', () => {
  const scratch = scratchFolder();

  it('refuses a directory that does not exist', async () => {
    await expect(AtomicFile.open(scratch('no/state'), NEW_FILE)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      message: 'cannot create or open the destination: ENOENT',
      details: { where: scratch('no/state'), found: 'ENOENT' },
    });
  });

  it('refuses a path below a regular file', async () => {
    writeFileSync(scratch('file'), '');
    await expect(AtomicFile.open(scratch('file/state'), NEW_FILE)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      details: { found: 'ENOTDIR' },
    });
  });
});
