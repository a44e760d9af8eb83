import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { encodeSuperblock } from '../../../src/formats/protocol/superblock.js';
import { recogniseState } from '../../../src/states/recognise-state.js';
import { ChunkedSource } from '../../support/io/chunked-source.js';
import { SUPERBLOCK } from '../../support/protocol/sample-superblock.js';
import { readAnything, WHERE } from '../../support/statefile/reading.js';
import { rejectionOf } from '../../support/statefile/rejection-of.js';
import { BEGIN, sampleState, statefileOf } from '../../support/statefile/written-statefile.js';

const qevm = (firstSection: number): Buffer =>
  Buffer.concat([Buffer.from('QEVM\0\0\0\u0003', 'latin1'), Buffer.of(firstSection), sampleState(3000)]);

const recognise = (bytes: Uint8Array, sizes?: number[]): ReturnType<typeof recogniseState> =>
  recogniseState(new ChunkedSource(bytes, sizes), WHERE);

describe('recogniseState', () => {
  it('recognises a statefile and reads its BEGIN record', async () => {
    const opened = await recognise(await statefileOf(sampleState(100)));
    expect(opened).toMatchObject({ format: 'statefile', compressed: false, reader: { begin: BEGIN } });
  });

  it.each([
    [0x04, 'device-state'],
    [0x01, 'migration-stream'],
  ])('recognises a QEMU state whose first section is %i as %s', async (section, kind) => {
    expect(await recognise(qevm(section))).toMatchObject({
      format: 'qevm',
      compressed: false,
      start: { kind, machineType: '' },
    });
  });

  it('recognises each of them in gzip', async () => {
    const statefile = gzipSync(await statefileOf(sampleState(100)));
    expect(await recognise(statefile)).toMatchObject({ format: 'statefile', compressed: 'gzip' });
    expect(await recognise(gzipSync(qevm(4)))).toMatchObject({ format: 'qevm', compressed: 'gzip' });
  });

  it('recognises a transfer disk and does not read its contents', async () => {
    expect(await recognise(encodeSuperblock(SUPERBLOCK))).toEqual({ format: 'transfer-disk', compressed: false });
  });

  it.each([1, 7, 511, 4097])(
    'returns the bytes that it has read for the recognition, with chunks of %i bytes',
    async (size) => {
      const state = sampleState(9000);
      const bare = await readAnything(new ChunkedSource(qevm(4), [size]));
      expect(bare.equals(qevm(4))).toBe(true);
      const decompressed = await readAnything(new ChunkedSource(gzipSync(qevm(4)), [size]));
      expect(decompressed.equals(qevm(4))).toBe(true);
      const fromStatefile = await readAnything(new ChunkedSource(gzipSync(await statefileOf(state)), [size]));
      expect(fromStatefile.equals(state)).toBe(true);
    },
  );

  it('closes the source of the input with the opened state', async () => {
    for (const bytes of [await statefileOf(sampleState(10)), gzipSync(qevm(4)), qevm(4)]) {
      const source = new ChunkedSource(bytes);
      const opened = await recogniseState(source, WHERE);
      if (opened.format !== 'transfer-disk') await opened.source.close();
      expect(source.closed).toBe(true);
    }
  });
});

describe('recogniseState refuses', () => {
  const expected = 'the first bytes of a statefile, a QEMU state, or a save file of xl or libvirt';

  it.each<[string, Uint8Array, string]>([
    ['an empty input', new Uint8Array(0), 'an empty input'],
    ['text', Buffer.from('hello world'), '"hello wo"'],
    ['terminal escapes, shown escaped', Buffer.from('\u001b[2J'), '"\\\\u{1b}[2J"'],
    ['zeros', new Uint8Array(5000), `"${'\\\\u{0}'.repeat(8)}"`],
    ['the magic of a statefile in small letters', Buffer.from('sfstate1'), '"sfstate1"'],
    ['gzip in gzip', gzipSync(gzipSync(qevm(4))), ''],
    ['an empty input in gzip', gzipSync(''), 'an empty input'],
  ])('%s', async (_, bytes, found) => {
    expect(await rejectionOf(recognise(bytes))).toMatchObject({
      code: 'NOT_A_STATE',
      message: 'the input contains no state',
      details: { where: WHERE, offset: 0, expected, ...(found === '' ? {} : { found }) },
    });
  });

  it('a QEMU state that ends within its header', async () => {
    expect(await rejectionOf(recognise(Buffer.from('QEVM')))).toMatchObject({
      code: 'TRUNCATED',
      details: { where: WHERE, offset: 4 },
    });
  });

  it('a statefile that ends within its header', async () => {
    expect(await rejectionOf(recognise((await statefileOf(sampleState(1))).subarray(0, 600)))).toMatchObject({
      code: 'TRUNCATED',
      details: { where: WHERE, offset: 600 },
    });
  });

  it('a truncated gzip stream', async () => {
    expect(await rejectionOf(readAnything(new ChunkedSource(gzipSync(qevm(4)).subarray(0, -20))))).toMatchObject({
      code: 'TRUNCATED',
      message: 'the gzip stream is truncated',
      details: { where: WHERE },
    });
  });

  it('the magic of gzip followed by other bytes', async () => {
    expect(await rejectionOf(recognise(Buffer.of(0x1f, 0x8b, 0xff, 0xff)))).toMatchObject({
      code: 'CORRUPT',
      message: 'the gzip stream is corrupt',
      details: { where: WHERE },
    });
  });
});
