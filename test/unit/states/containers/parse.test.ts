/**
 * Tests that a parser yields the same summary from memory, from a file by offset, and from a pipe in chunks of any
 * size.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseBytes } from '../../../../src/formats/pull-parser/index.js';
import { containerReaderFor, parseFile, parseSource } from '../../../../src/states/containers/index.js';
import { CountedFile } from '../../../support/containers/counted-file.js';
import { ChunkedSource } from '../../../support/io/chunked-source.js';
import { type Frame, HVM, hvmRecords, libxcStream, pageData } from '../../../support/libxc-stream/libxc-bytes.js';
import { emulatorRecord, libxlHead, libxlRecord } from '../../../support/libxl-stream/libxl-bytes.js';
import { WHERE } from '../../../support/pull-parser/parsed.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { xlHead, xlSave } from '../../../support/xl-save/xl-bytes.js';

const FIXTURES = fileURLToPath(new URL('../../../../fixtures/', import.meta.url));
const CONTEXT = readFileSync(`${FIXTURES}xen-states/xen-minimal.qevm`);
const REAL = execFileSync('xz', ['-dc', `${FIXTURES}xl-save/xen-minimal.xlsave.xz`], { maxBuffer: 32 << 20 });

function readerOf(bytes: Uint8Array) {
  const reader = containerReaderFor(bytes, WHERE);
  if (reader === undefined) throw new Error('no container');
  return reader;
}

function inMemory(bytes: Uint8Array) {
  const reader = readerOf(bytes);
  parseBytes(bytes, reader.parse());
  return reader.summary;
}

async function inFile(bytes: Uint8Array, maxRead?: number) {
  const reader = readerOf(bytes);
  const file = new CountedFile(bytes, maxRead);
  await parseFile(file, reader.parse());
  return { summary: reader.summary, file };
}

async function inPipe(bytes: Uint8Array, sizes: readonly number[], limit = 1 << 20) {
  const reader = readerOf(bytes);
  const states: Uint8Array[] = [];
  const buffering = { limit, onState: (state: Uint8Array) => states.push(state) };
  const { unread } = await parseSource(new ChunkedSource(bytes, sizes), reader.parse(), WHERE, buffering);
  return { summary: reader.summary, states, unread };
}

describe('the save file that xl 4.17 wrote', () => {
  it('yields the same summary by offset as in memory, and little of it is read', async () => {
    const { summary, file } = await inFile(REAL);
    expect(summary).toEqual(inMemory(REAL));
    // Most of the file is 1020 PAGE_DATA records with 8 KiB of page frame numbers each, almost all of them holes.
    expect(file.largestRequest).toBe(16 * 1024);
  });

  it.each([[[Number.POSITIVE_INFINITY]], [[4095]], [[65_537, 7, 1]]])(
    'yields the same summary from a pipe in chunks of %j bytes',
    async (sizes) => {
      const { summary, states, unread } = await inPipe(REAL, sizes);
      expect(summary).toEqual(inMemory(REAL));
      expect(states.map((state) => Buffer.compare(state, CONTEXT))).toEqual([0]);
      expect(unread).toHaveLength(0);
    },
  );
});

describe('a small save file', () => {
  it('yields the same summary in every way, in chunks of every size', async () => {
    const file = xlSave(CONTEXT.subarray(0, 333));
    const summary = inMemory(file);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 4 }), async (sizes) => {
        expect((await inPipe(file, sizes)).summary).toEqual(summary);
        expect((await inFile(file, sizes[0])).summary).toEqual(summary);
      }),
      { numRuns: 40 },
    );
  });

  it('is refused at the same offset in every way', async () => {
    const file = xlSave(CONTEXT);
    for (const length of [49, 200, 4500, file.length - 9, file.length - 3]) {
      const part = file.subarray(0, length);
      for (const work of [inFile(part), inFile(part, 100), inPipe(part, [4096]), inPipe(part, [1, 1000])]) {
        expect(await rejectionOf(work)).toMatchObject({ code: 'TRUNCATED', details: { where: WHERE, offset: length } });
      }
    }
  });
});

describe('the memory of the parser', () => {
  const pages = Array.from({ length: 1024 }, (_, pfn): Frame => ({ type: 0, pfn: BigInt(pfn) }));
  const large = Buffer.concat([
    ...[xlHead(), libxlHead(), libxlRecord('LIBXC_CONTEXT')],
    libxcStream(
      HVM,
      hvmRecords(
        'little',
        Array.from({ length: 8 }, () => pageData(pages)),
      ),
    ),
    ...[emulatorRecord('EMULATOR_CONTEXT', CONTEXT), libxlRecord('END')],
  ]);

  it('does not hold the pages of a guest, and the pages in a file are not read', async () => {
    const { summary, file } = await inFile(large);
    expect(summary).toMatchObject({ libxl: { libxc: { pages: { withData: 8192 } } } });
    // The parser reads a window of 16 KiB for each record of 4 MiB, and a few windows at both ends.
    expect(file.read).toBeLessThan(8 * 16 * 1024 + 64 * 1024);
    expect(file.largestRequest).toBe(16 * 1024);
    const source = new ChunkedSource(large);
    const buffering = { limit: 1 << 20, onState: () => undefined };
    await parseSource(source, readerOf(large).parse(), WHERE, buffering);
    expect(source.largestRequest).toBe(64 * 1024);
  });

  it('does not hold an emulator context above the limit', async () => {
    expect(await rejectionOf(inPipe(large, [65_536], 6000))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'the emulator context is too large to be buffered until the end of a pipe',
      details: { where: WHERE, expected: 'at most 6000 bytes', found: '6674 bytes' },
    });
  });

  it('is not allocated for a record that declares more bytes than the input has', async () => {
    const oversized = xlSave(CONTEXT);
    const length = oversized.indexOf('QEVM') - 12;
    oversized.writeUInt32LE(0xffff_fff0, length);
    expect(await rejectionOf(inFile(oversized))).toMatchObject({
      code: 'TRUNCATED',
      details: { offset: oversized.length },
    });
    expect(await rejectionOf(inPipe(oversized, [4096]))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { expected: 'at most 1048576 bytes', found: '4294967272 bytes' },
    });
  });
});
