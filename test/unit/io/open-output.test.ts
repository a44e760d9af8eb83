import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type OutputOptions, outputFor, RawSink } from '../../../src/io/index.js';
import { drained, makeFifo } from '../../support/io/fifo.js';
import { MemoryOutput } from '../../support/io/memory-output.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { BEGIN, feed, sampleState } from '../../support/statefile/written-statefile.js';

describe('outputFor', () => {
  const scratch = scratchFolder();
  const options = (): OutputOptions => ({
    transferUuid: '00112233-4455-6677-8899-aabbccddeeff',
    replace: false,
    spoolDirectory: dirname(scratch('x')),
    spoolLimit: 1 << 20,
    readerMs: 10_000,
  });

  it('creates a regular file at a new path', async () => {
    const output = await (await outputFor(scratch('state'), options()))();
    await output.write([Buffer.from('abc')]);
    await output.commit();
    expect(readFileSync(scratch('state'), 'latin1')).toBe('abc');
  });

  it('creates nothing before the output is opened', async () => {
    await outputFor(scratch('state'), options());
    expect(readdirSync(dirname(scratch('x')))).toEqual([]);
  });

  it('refuses a file that exists when the output is opened', async () => {
    writeFileSync(scratch('state'), 'old');
    const open = await outputFor(scratch('state'), options());
    await expect(open()).rejects.toMatchObject({ code: 'DESTINATION_EXISTS' });
  });

  it('writes a FIFO from a spool at commit', async () => {
    const path = makeFifo(scratch('fifo'));
    const output = await (await outputFor(path, options()))();
    await output.write([sampleState(200_000)]);
    const [read] = await Promise.all([drained(path), output.commit()]);
    expect(read.equals(sampleState(200_000))).toBe(true);
  });

  it('refuses to spool more than the limit', async () => {
    const output = await (await outputFor(makeFifo(scratch('fifo')), { ...options(), spoolLimit: 10 }))();
    await expect(output.write([sampleState(11)])).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await output.discard();
  });

  it('writes a character device, which may be full', async () => {
    const output = await (await outputFor('/dev/full', options()))();
    await output.write([sampleState(10)]);
    await expect(output.commit()).rejects.toMatchObject({
      code: 'DESTINATION_FULL',
      details: { where: '/dev/full' },
    });
    await output.discard();
  });

  it('accepts a state larger than any spool for /dev/null', async () => {
    const output = await (await outputFor('/dev/null', { ...options(), spoolLimit: 0 }))();
    await output.write([sampleState(100_000)]);
    await expect(output.commit()).resolves.toBeUndefined();
  });

  it('refuses a directory', async () => {
    mkdirSync(scratch('directory'));
    await expect(outputFor(scratch('directory'), options())).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      message: 'the destination is neither a file nor a pipe',
      details: { where: scratch('directory'), found: 'a directory' },
    });
  });
});

describe('RawSink', () => {
  it('writes the bare state without padding and commits it', async () => {
    const output = new MemoryOutput();
    await feed(new RawSink(async () => output), sampleState(10_001), 3000);
    expect(Buffer.from(output.bytes).equals(sampleState(10_001))).toBe(true);
    expect(output.calls).toEqual(['commit']);
  });

  it('opens a new output when the sender restarts', async () => {
    const outputs: MemoryOutput[] = [];
    const sink = new RawSink(async () => {
      outputs.push(new MemoryOutput());
      return outputs.at(-1) ?? new MemoryOutput();
    });
    await sink.begin();
    await sink.discard();
    await feed(sink, sampleState(5), 5, BEGIN);
    expect(outputs.map(({ calls }) => calls)).toEqual([['discard'], ['commit']]);
  });
});
