/**
 * Tests the save file of a guest with 10 GiB. It is a sparse file in which only the record headers occupy disk space.
 */
import { open } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import type { Seekable } from '../../../../src/formats/state-source.js';
import { FileSource } from '../../../../src/io/index.js';
import { containerReaderFor, parseFile } from '../../../../src/states/containers/index.js';
import { useScratch } from '../../../support/cli/scratch.js';
import { HVM, hvmRecords, libxcHead } from '../../../support/libxc-stream/libxc-bytes.js';
import { emulatorRecord, libxlHead, libxlRecord } from '../../../support/libxl-stream/libxl-bytes.js';
import { u32 } from '../../../support/pull-parser/numbers.js';
import { xlHead } from '../../../support/xl-save/xl-bytes.js';

const GiB = 2 ** 30;
const PAGES_PER_RECORD = 1024;
/**
 * The size of a PAGE_DATA record: header, head, page frame numbers (all 0, so all bytes are zero) and page contents.
 */
const RECORD_BYTES = 8 + 8 + PAGES_PER_RECORD * (8 + 4096);
const RECORDS = (10 * GiB) / (PAGES_PER_RECORD * 4096);

const scratch = useScratch();

async function sparseSaveFile(): Promise<string> {
  const path = scratch.path('guest.save');
  const file = await open(path, 'wx');
  const [cpuid = u32(0, 'little'), msr = cpuid, end = cpuid, , ...rest] = hvmRecords();
  let position = 0;
  const write = async (...chunks: readonly Buffer[]): Promise<void> => {
    position += (await file.write(Buffer.concat(chunks), 0, null, position)).bytesWritten;
  };
  await write(xlHead(), libxlHead(), libxlRecord('LIBXC_CONTEXT'), libxcHead(HVM), cpuid, msr, end);
  const head = Buffer.concat([1, RECORD_BYTES - 8, PAGES_PER_RECORD, 0].map((number) => u32(number, 'little')));
  for (let record = 0; record < RECORDS; record += 1) {
    await file.write(head, 0, null, position);
    position += RECORD_BYTES;
  }
  await write(...rest, emulatorRecord('EMULATOR_CONTEXT', Buffer.from('QEVM\0\0\0\u0003\0')), libxlRecord('END'));
  await file.close();
  return path;
}

/** Counts the bytes that are read from a file. */
function counted(file: Seekable): Seekable & { read: number; largest: number } {
  const counts = { read: 0, largest: 0 };
  return Object.assign(counts, {
    size: () => file.size(),
    readAt: async (into: Uint8Array, offset: number): Promise<number> => {
      counts.largest = Math.max(counts.largest, into.length);
      const count = await file.readAt(into, offset);
      counts.read += count;
      return count;
    },
  });
}

describe('a save file of 10 GiB', () => {
  it('is parsed to its end with reads of 16 KiB per 4 MiB of pages', async () => {
    const source = await FileSource.open(await sparseSaveFile());
    const file = counted(source);
    const reader = containerReaderFor(xlHead(), 'guest.save');
    if (reader === undefined) throw new Error('no container');
    await parseFile(file, reader.parse());
    await source.close();
    expect(reader.summary).toMatchObject({
      libxl: { libxc: { records: { PAGE_DATA: 2560 }, pages: { withData: (10 * GiB) / 4096 } }, ended: true },
    });
    expect(file.largest).toBe(16 * 1024);
    expect(file.read).toBeLessThan((RECORDS + 4) * 16 * 1024);
  });
});
