import { describe, expect, it } from '@jest/globals';
import { PipeSource } from '../../../src/io/pipe-source.js';
import { allOf } from '../../support/io/all-of.js';
import { expectCancelledRead } from '../../support/io/closed-under-a-read.js';
import { makeFifo, readingEnd, writingEnd } from '../../support/io/fifo.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

/** Waits until all pending events were handled. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

describe('PipeSource', () => {
  const scratch = scratchFolder();

  function opened(): { path: string; source: PipeSource } {
    const path = makeFifo(scratch('fifo'));
    return { path, source: PipeSource.of(readingEnd(path), path) };
  }

  async function written(path: string, bytes: Uint8Array): Promise<void> {
    const writer = await writingEnd(path);
    await writer.writeFile(bytes);
    await writer.close();
  }

  it.each([1, 4096, 65536, 65537, 1_000_003])('returns all %i bytes and then the end', async (length) => {
    const { path, source } = opened();
    const [state] = await Promise.all([allOf(source), written(path, sampleState(length))]);
    expect(state.equals(sampleState(length))).toBe(true);
    expect(await source.read(new Uint8Array(10))).toBe(0);
    await source.close();
  });

  it.each([1, 7, 4097])('returns them up to %i bytes at a time', async (size) => {
    const { path, source } = opened();
    const [state] = await Promise.all([allOf(source, size), written(path, sampleState(20_000))]);
    expect(state.equals(sampleState(20_000))).toBe(true);
    await source.close();
  });

  it('does not treat a missing writer as the end', async () => {
    const { path, source } = opened();
    let ended = false;
    const state = allOf(source).finally(() => {
      ended = true;
    });
    await settled();
    expect(ended).toBe(false);
    await written(path, Buffer.from('late'));
    expect((await state).toString()).toBe('late');
    await source.close();
  });

  it('reports the end when a writer closes it without writing', async () => {
    const { path, source } = opened();
    const [state] = await Promise.all([allOf(source), written(path, new Uint8Array(0))]);
    expect(state).toHaveLength(0);
    await source.close();
  });

  it('returns the available bytes without waiting until the buffer is full', async () => {
    const { path, source } = opened();
    const writer = await writingEnd(path);
    const buffer = new Uint8Array(100);
    await writer.write('abc');
    expect(await source.read(buffer)).toBe(3);
    await writer.write('de');
    expect(await source.read(buffer)).toBe(2);
    expect(Buffer.from(buffer.subarray(0, 3)).toString()).toBe('dec');
    await writer.close();
    expect(await source.read(buffer)).toBe(0);
    await source.close();
  });

  it('loses nothing and buffers no more than a pipe holds while nobody reads it', async () => {
    const { path, source } = opened();
    const writer = await writingEnd(path);
    let done = false;
    const writing = writer.writeFile(sampleState(400_000)).then(() => {
      done = true;
      return writer.close();
    });
    await settled();
    expect(done).toBe(false);
    const [state] = await Promise.all([allOf(source, 1000), writing]);
    expect(state.equals(sampleState(400_000))).toBe(true);
    await source.close();
  });

  it('rejects a pending read when it is closed', async () => {
    const { path, source } = opened();
    await expectCancelledRead(source, path);
  });

  it('may be closed twice', async () => {
    const { source } = opened();
    await source.close();
    await expect(source.close()).resolves.toBeUndefined();
  });
});
