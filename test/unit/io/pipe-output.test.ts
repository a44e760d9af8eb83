import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { openCharacterDevice, openFifo } from '../../../src/io/pipe-output.js';
import { drained, makeFifo, readingEnd } from '../../support/io/fifo.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

const READER_MS = 10_000;

describe('a FIFO as the destination', () => {
  const scratch = scratchFolder();

  it('delivers all bytes, more than a pipe holds, and then the end', async () => {
    const path = makeFifo(scratch('fifo'));
    const read = drained(path);
    const output = await openFifo(path, READER_MS);
    await output.write(sampleState(500_000));
    await output.write(Buffer.from('tail'));
    await output.end();
    expect((await read).equals(Buffer.concat([sampleState(500_000), Buffer.from('tail')]))).toBe(true);
  });

  it('waits for a reader that opens it later', async () => {
    const path = makeFifo(scratch('fifo'));
    const opening = openFifo(path, READER_MS);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const read = drained(path);
    const output = await opening;
    await output.write(Buffer.from('abc'));
    await output.end();
    expect((await read).toString()).toBe('abc');
  });

  it('fails with DESTINATION_GONE when it has no reader', async () => {
    const path = makeFifo(scratch('fifo'));
    await expect(openFifo(path, 20)).rejects.toMatchObject({
      code: 'DESTINATION_GONE',
      message: 'the FIFO has no reader',
      details: { where: path, expected: 'a reader within 20 ms', found: 'none' },
    });
  });

  it('fails with DESTINATION_GONE when its reader has closed it', async () => {
    const path = makeFifo(scratch('fifo'));
    const reader = readingEnd(path);
    const output = await openFifo(path, READER_MS);
    closeSync(reader);
    await expect(output.write(sampleState(100))).rejects.toMatchObject({
      code: 'DESTINATION_GONE',
      message: 'cannot write the destination: EPIPE',
      details: { where: path, found: 'EPIPE' },
    });
  });

  it('fails with DESTINATION_GONE when its reader closes it while it is full', async () => {
    const path = makeFifo(scratch('fifo'));
    const reader = readingEnd(path);
    const output = await openFifo(path, READER_MS);
    const writing = output.write(sampleState(500_000));
    setTimeout(() => closeSync(reader), 20);
    await expect(writing).rejects.toMatchObject({ code: 'DESTINATION_GONE' });
    await expect(output.end()).rejects.toMatchObject({ code: 'DESTINATION_GONE' });
  });

  it('fails with DESTINATION_UNWRITABLE when it does not exist', async () => {
    await expect(openFifo(scratch('no'), READER_MS)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      message: 'cannot create or open the destination: ENOENT',
      details: { where: scratch('no') },
    });
  });
});

describe('a character device as the destination', () => {
  const scratch = scratchFolder();

  it('receives all written bytes', async () => {
    writeFileSync(scratch('stand-in'), '');
    const output = await openCharacterDevice(scratch('stand-in'));
    await output.write(Buffer.from('abc'));
    await output.write(Buffer.from('def'));
    await output.end();
    expect(readFileSync(scratch('stand-in'), 'latin1')).toBe('abcdef');
  });

  it('fails with DESTINATION_FULL when it is full', async () => {
    const output = await openCharacterDevice('/dev/full');
    await expect(output.write(sampleState(10))).rejects.toMatchObject({
      code: 'DESTINATION_FULL',
      message: 'cannot write the destination: ENOSPC',
      details: { where: '/dev/full' },
    });
    await output.end();
  });
});
