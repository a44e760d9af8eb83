import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { StateFifo } from '../../../../src/qemu/capture/state-fifo.js';
import { allOf } from '../../../support/io/all-of.js';
import { makeFifo } from '../../../support/io/fifo.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';
import { errorOf } from '../../../support/protocol/error-of.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

describe('StateFifo', () => {
  const scratch = scratchFolder();

  it('is a FIFO in the given directory, for its owner only, with a unique name', async () => {
    const [one, other] = [await StateFifo.make(scratch('')), await StateFifo.make(scratch(''))];
    expect(one.path.startsWith(scratch(''))).toBe(true);
    expect(one.path.endsWith('.fifo')).toBe(true);
    expect(lstatSync(one.path).isFIFO()).toBe(true);
    expect(lstatSync(one.path).mode & 0o777).toBe(0o600);
    expect(other.path).not.toBe(one.path);
  });

  it('returns all written bytes, more than a pipe holds, and then the end', async () => {
    const fifo = await StateFifo.make(scratch(''));
    const source = fifo.open();
    const [state] = await Promise.all([allOf(source), writeFile(fifo.path, sampleState(3_000_000))]);
    expect(state.equals(sampleState(3_000_000))).toBe(true);
    await source.close();
  });

  it('can be opened again for the next state', async () => {
    const fifo = await StateFifo.make(scratch(''));
    for (const text of ['one', 'two']) {
      const source = fifo.open();
      const [state] = await Promise.all([allOf(source), writeFile(fifo.path, text)]);
      expect(state.toString()).toBe(text);
      await source.close();
    }
  });

  it('discards bytes that were written and not read', async () => {
    const fifo = await StateFifo.make(scratch(''));
    const unread = fifo.open();
    await writeFile(fifo.path, 'old');
    await unread.close();
    const source = fifo.open();
    const [state] = await Promise.all([allOf(source), writeFile(fifo.path, 'new')]);
    expect(state.toString()).toBe('new');
    await source.close();
  });

  it('detects that its path still names it', async () => {
    const fifo = await StateFifo.make(scratch(''));
    expect(await fifo.isInPlace()).toBe(true);
    await fifo.open().close();
    expect(await fifo.isInPlace()).toBe(true);
  });

  it.each<[string, (path: string) => unknown]>([
    ['removed', (path) => rmSync(path)],
    [
      'replaced by a file',
      (path) => {
        rmSync(path);
        writeFileSync(path, '');
      },
    ],
    [
      'replaced by a directory',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
    ['replaced by another FIFO', (path) => renameSync(makeFifo(`${path}.other`), path)],
  ])('detects that it was %s', async (_what, change) => {
    const fifo = await StateFifo.make(scratch(''));
    change(fifo.path);
    expect(await fifo.isInPlace()).toBe(false);
  });

  it.each([
    ['the FIFO', () => undefined],
    ['a file in its place', (path: string) => renameSync(written(`${path}.other`), path)],
    ['nothing, when it no longer exists', (path: string) => rmSync(path)],
  ])('removes %s', async (_what, change) => {
    const fifo = await StateFifo.make(scratch(''));
    change(fifo.path);
    await fifo.remove();
    expect(() => lstatSync(fifo.path)).toThrow('ENOENT');
  });

  it('is in a directory that only its owner can enter, and that is removed with it', async () => {
    const fifo = await StateFifo.make(scratch(''));
    expect(lstatSync(dirname(fifo.path)).mode & 0o777).toBe(0o700);
    await fifo.remove();
    expect(readdirSync(scratch(''))).toEqual([]);
  });

  it('throws CAPTURE_LOST when it is opened after its removal', async () => {
    const fifo = await StateFifo.make(scratch(''));
    await fifo.remove();
    expect(errorOf(() => fifo.open())).toMatchObject({
      code: 'CAPTURE_LOST',
      message: 'cannot create or open the FIFO that QEMU writes to',
      details: { where: fifo.path, found: expect.stringContaining('ENOENT') },
    });
  });

  it('rejects with CAPTURE_LOST when the directory does not exist', async () => {
    await expect(StateFifo.make(scratch('no'))).rejects.toMatchObject({
      code: 'CAPTURE_LOST',
      message: 'cannot create a directory for the FIFO or socket of QEMU',
      details: {
        where: scratch('no'),
        found: 'ENOENT',
      },
    });
  });
});

function written(path: string): string {
  writeFileSync(path, 'state');
  return path;
}
