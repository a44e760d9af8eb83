import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { openCharacterDevice, openFifo } from '../../../src/io/pipe-output.js';
import { drained, makeFifo, readingEnd } from '../../support/io/fifo.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

const PATIENCE = 10_000;

describe('a FIFO as the destination', () => {
  const scratch = scratchFolder();

  it('gives its reader all that was written, more than a pipe holds, and then the end', async () => {
    const path = makeFifo(scratch('fifo'));
    const read = drained(path);
    const output = await openFifo(path, PATIENCE);
    await output.write(sampleState(500_000));
    await output.write(Buffer.from('tail'));
    await output.end();
    expect((await read).equals(Buffer.concat([sampleState(500_000), Buffer.from('tail')]))).toBe(true);
  });

  it('waits for a reader that comes later', async () => {
    const path = makeFifo(scratch('fifo'));
    const opening = openFifo(path, PATIENCE);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const read = drained(path);
    const output = await opening;
    await output.write(Buffer.from('abc'));
    await output.end();
    expect((await read).toString()).toBe('abc');
  });

  it('that nobody reads is DESTINATION_GONE', async () => {
    const path = makeFifo(scratch('fifo'));
    await expect(openFifo(path, 20)).rejects.toMatchObject({
      code: 'DESTINATION_GONE',
      message: 'nobody reads the FIFO',
      details: { where: path, expected: 'a reader within 20 ms', found: 'none' },
    });
  });

  it('whose reader is gone is DESTINATION_GONE', async () => {
    const path = makeFifo(scratch('fifo'));
    const reader = readingEnd(path);
    const output = await openFifo(path, PATIENCE);
    closeSync(reader);
    await expect(output.write(sampleState(100))).rejects.toMatchObject({
      code: 'DESTINATION_GONE',
      message: 'cannot write the destination: EPIPE',
      details: { where: path, found: 'EPIPE' },
    });
  });

  it('whose reader goes while it is full is DESTINATION_GONE', async () => {
    const path = makeFifo(scratch('fifo'));
    const reader = readingEnd(path);
    const output = await openFifo(path, PATIENCE);
    const writing = output.write(sampleState(500_000));
    setTimeout(() => closeSync(reader), 20);
    await expect(writing).rejects.toMatchObject({ code: 'DESTINATION_GONE' });
    await expect(output.end()).rejects.toMatchObject({ code: 'DESTINATION_GONE' });
  });

  it('that is not there is DESTINATION_UNWRITABLE', async () => {
    await expect(openFifo(scratch('no'), PATIENCE)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      message: 'cannot create or open the destination: ENOENT',
      details: { where: scratch('no') },
    });
  });
});

describe('a character device as the destination', () => {
  const scratch = scratchFolder();

  it('takes all that it is given', async () => {
    writeFileSync(scratch('stand-in'), '');
    const output = await openCharacterDevice(scratch('stand-in'));
    await output.write(Buffer.from('abc'));
    await output.write(Buffer.from('def'));
    await output.end();
    expect(readFileSync(scratch('stand-in'), 'latin1')).toBe('abcdef');
  });

  it('that is full is DESTINATION_FULL', async () => {
    const output = await openCharacterDevice('/dev/full');
    await expect(output.write(sampleState(10))).rejects.toMatchObject({
      code: 'DESTINATION_FULL',
      message: 'cannot write the destination: ENOSPC',
      details: { where: '/dev/full' },
    });
    await output.end();
  });
});
