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

  it('is a FIFO for its owner only, in the folder, each with a name of its own', async () => {
    const [one, other] = [await StateFifo.make(scratch('')), await StateFifo.make(scratch(''))];
    expect(one.path.startsWith(scratch(''))).toBe(true);
    expect(one.path.endsWith('.fifo')).toBe(true);
    expect(lstatSync(one.path).isFIFO()).toBe(true);
    expect(lstatSync(one.path).mode & 0o777).toBe(0o600);
    expect(other.path).not.toBe(one.path);
  });

  it('gives what is written into it, more than a pipe holds, and then the end', async () => {
    const fifo = await StateFifo.make(scratch(''));
    const source = fifo.open();
    const [state] = await Promise.all([allOf(source), writeFile(fifo.path, sampleState(3_000_000))]);
    expect(state.equals(sampleState(3_000_000))).toBe(true);
    await source.close();
  });

  it('can be opened anew for the next state', async () => {
    const fifo = await StateFifo.make(scratch(''));
    for (const text of ['one', 'two']) {
      const source = fifo.open();
      const [state] = await Promise.all([allOf(source), writeFile(fifo.path, text)]);
      expect(state.toString()).toBe(text);
      await source.close();
    }
  });

  it('forgets what was written and not read', async () => {
    const fifo = await StateFifo.make(scratch(''));
    const unread = fifo.open();
    await writeFile(fifo.path, 'old');
    await unread.close();
    const source = fifo.open();
    const [state] = await Promise.all([allOf(source), writeFile(fifo.path, 'new')]);
    expect(state.toString()).toBe('new');
    await source.close();
  });

  it('knows that it is in its place', async () => {
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
      'replaced by a folder',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
    ['replaced by another FIFO', (path) => renameSync(makeFifo(`${path}.other`), path)],
  ])('knows that it was %s', async (_what, change) => {
    const fifo = await StateFifo.make(scratch(''));
    change(fifo.path);
    expect(await fifo.isInPlace()).toBe(false);
  });

  it.each([
    ['itself', () => undefined],
    ['a file that stands in its place', (path: string) => renameSync(written(`${path}.other`), path)],
    ['nothing, when it is gone', (path: string) => rmSync(path)],
  ])('removes %s', async (_what, change) => {
    const fifo = await StateFifo.make(scratch(''));
    change(fifo.path);
    await fifo.remove();
    expect(() => lstatSync(fifo.path)).toThrow('ENOENT');
  });

  it('is in a folder that only its owner can enter, and that goes with it', async () => {
    const fifo = await StateFifo.make(scratch(''));
    expect(lstatSync(dirname(fifo.path)).mode & 0o777).toBe(0o700);
    await fifo.remove();
    expect(readdirSync(scratch(''))).toEqual([]);
  });

  it('that was removed and is opened all the same is CAPTURE_LOST', async () => {
    const fifo = await StateFifo.make(scratch(''));
    await fifo.remove();
    expect(errorOf(() => fifo.open())).toMatchObject({
      code: 'CAPTURE_LOST',
      message: 'cannot make or open the FIFO for QEMU to write into',
      details: { where: fifo.path, found: expect.stringContaining('ENOENT') },
    });
  });

  it('in a folder that is not there is CAPTURE_LOST', async () => {
    await expect(StateFifo.make(scratch('no'))).rejects.toMatchObject({
      code: 'CAPTURE_LOST',
      message: 'cannot make a folder for QEMU to write into',
      details: {
        where: scratch('no'),
        found: 'ENOENT',
        hint: 'name a folder that is there and writable with --fifo-dir, or --transfer-dir of stubferry save',
      },
    });
  });
});

function written(path: string): string {
  writeFileSync(path, 'state');
  return path;
}
