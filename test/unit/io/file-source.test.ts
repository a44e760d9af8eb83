import { closeSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { FileSource } from '../../../src/io/index.js';
import { openOn, untilClosed } from '../../support/blockdev-utils/open-descriptors.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

const scratch = scratchFolder();

it('a file that is closed during a read completes the read and then closes its descriptor', async () => {
  writeFileSync(scratch('state'), 'abc');
  const source = await FileSource.open(scratch('state'));
  const into = new Uint8Array(10);
  const reading = source.read(into);
  await source.close();
  await source.close();
  expect(openOn(scratch('state'))).toBe(1);
  expect(await reading).toBe(3);
  await untilClosed(scratch('state'));
});

it('a closed file is not read, nor is another file that has the same descriptor number afterwards', async () => {
  writeFileSync(scratch('state'), 'abc');
  writeFileSync(scratch('another'), 'another');
  const source = await FileSource.open(scratch('state'));
  await source.close();
  // The kernel assigns the lowest free number. All numbers below it are in use, so one of these files gets it.
  const others = Array.from({ length: 8 }, () => openSync(scratch('another'), 'r'));
  const closed = { code: 'INPUT_UNREADABLE', details: { where: scratch('state'), found: 'the source is closed' } };
  const into = new Uint8Array(10);
  await expect(source.read(into)).rejects.toMatchObject(closed);
  await expect(source.readAt(into, 0)).rejects.toMatchObject(closed);
  await expect(source.size()).rejects.toMatchObject(closed);
  await source.close();
  expect(into).toEqual(new Uint8Array(10));
  for (const fd of others) {
    expect(fstatSync(fd).size).toBe(7);
    closeSync(fd);
  }
});

it('a file that is closed while its size is read closes its descriptor afterwards', async () => {
  writeFileSync(scratch('state'), 'abc');
  const source = await FileSource.open(scratch('state'));
  const size = source.size();
  await source.close();
  expect(openOn(scratch('state'))).toBe(1);
  expect(await size).toBe(3);
  await untilClosed(scratch('state'));
});

it('a file that is closed during two reads closes its descriptor once, after both reads', async () => {
  writeFileSync(scratch('state'), 'abc');
  const source = await FileSource.open(scratch('state'));
  const reading = [source.readAt(new Uint8Array(1), 0), source.readAt(new Uint8Array(1), 1)];
  await source.close();
  await Promise.all(reading);
  await untilClosed(scratch('state'));
  writeFileSync(scratch('another'), 'another');
  const others = Array.from({ length: 8 }, () => openSync(scratch('another'), 'r'));
  await expect(source.read(new Uint8Array(1))).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
  for (const fd of others) {
    expect(fstatSync(fd).size).toBe(7);
    closeSync(fd);
  }
});
