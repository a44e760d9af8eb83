import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { FileSource, openSource, PushbackSource } from '../../../src/io/index.js';
import { allOf } from '../../support/io/all-of.js';
import { ChunkedSource } from '../../support/io/chunked-source.js';
import { makeFifo, writingEnd } from '../../support/io/fifo.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

describe('openSource', () => {
  const scratch = scratchFolder();

  it('opens a regular file, also through a symbolic link', async () => {
    writeFileSync(scratch('state'), sampleState(10_000));
    symlinkSync(scratch('state'), scratch('link'));
    const source = await openSource(scratch('link'));
    expect((await allOf(source)).equals(sampleState(10_000))).toBe(true);
    await source.close();
  });

  it('opens a FIFO before it has a writer', async () => {
    const path = makeFifo(scratch('fifo'));
    const source = await openSource(path);
    const writer = await writingEnd(path);
    const [state] = await Promise.all([allOf(source), writer.writeFile('abc').then(() => writer.close())]);
    expect(state.toString()).toBe('abc');
    await source.close();
  });

  it('refuses a path that does not exist', async () => {
    await expect(openSource(scratch('no'))).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: 'cannot read the input',
      details: { where: scratch('no'), found: 'ENOENT' },
    });
  });

  it('reads a character device', async () => {
    const source = await openSource('/dev/zero');
    const into = new Uint8Array(10).fill(1);
    expect(await source.read(into)).toBe(10);
    expect(into).toEqual(new Uint8Array(10));
    await source.close();
  });

  it('refuses a directory', async () => {
    mkdirSync(scratch('directory'));
    await expect(openSource(scratch('directory'))).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: 'the input is neither a file nor a pipe',
      details: { where: scratch('directory'), found: 'a directory' },
    });
  });
});

describe('FileSource', () => {
  const scratch = scratchFolder();

  async function opened(): Promise<FileSource> {
    writeFileSync(scratch('state'), '0123456789');
    return FileSource.open(scratch('state'));
  }

  it('knows its size', async () => {
    const source = await opened();
    expect(await source.size()).toBe(10);
    await source.close();
  });

  it('reads at another offset without changing its position', async () => {
    const source = await opened();
    const [front, elsewhere] = [new Uint8Array(4), new Uint8Array(4)];
    await source.read(front);
    expect(await source.readAt(elsewhere, 8)).toBe(2);
    expect(Buffer.from(elsewhere).toString('latin1', 0, 2)).toBe('89');
    await source.read(front);
    expect(Buffer.from(front).toString()).toBe('4567');
    await source.close();
  });

  it('reads nothing past its end', async () => {
    const source = await opened();
    expect(await source.readAt(new Uint8Array(4), 10)).toBe(0);
    expect(await source.readAt(new Uint8Array(4), 2 ** 50)).toBe(0);
    await source.close();
  });

  it('fails to read a directory', async () => {
    mkdirSync(scratch('directory'));
    const source = await FileSource.open(scratch('directory'));
    await expect(source.read(new Uint8Array(4))).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      details: { where: scratch('directory'), found: 'EISDIR' },
    });
    await source.close();
  });
});

describe('PushbackSource', () => {
  it('returns the front first and then the rest, with requests of any size', async () => {
    for (const size of [1, 3, 100]) {
      const source = new PushbackSource(Buffer.from('abcd'), new ChunkedSource(Buffer.from('efgh')));
      expect((await allOf(source, size)).toString()).toBe('abcdefgh');
    }
  });

  it('closes the source that it reads', async () => {
    const inner = new ChunkedSource(new Uint8Array(0));
    await new PushbackSource(new Uint8Array(0), inner).close();
    expect(inner.closed).toBe(true);
  });
});
