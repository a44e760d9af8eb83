import { closeSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { FileSource } from '../../../src/io/index.js';
import { openOn, untilClosed } from '../../support/blockdev-utils/open-descriptors.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

const scratch = scratchFolder();

it('a file that is closed under a read is let go of when the read has ended, and read to its end', async () => {
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

it('a file that is closed is not read any more, nor is one that has the number of its descriptor by then', async () => {
  writeFileSync(scratch('state'), 'abc');
  writeFileSync(scratch('another'), 'another');
  const source = await FileSource.open(scratch('state'));
  await source.close();
  // The kernel gives the lowest number that is free; all below it are taken, so one of these is it.
  const others = Array.from({ length: 8 }, () => openSync(scratch('another'), 'r'));
  const closed = { code: 'INPUT_UNREADABLE', details: { where: scratch('state'), found: 'closed already' } };
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

it('a file that is closed while its size is looked at is let go of afterwards', async () => {
  writeFileSync(scratch('state'), 'abc');
  const source = await FileSource.open(scratch('state'));
  const size = source.size();
  await source.close();
  expect(openOn(scratch('state'))).toBe(1);
  expect(await size).toBe(3);
  await untilClosed(scratch('state'));
});

it('a file that is closed under two reads is closed once, when both have ended', async () => {
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
