import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { StubferryError } from '../../../../src/base/errors/index.js';
import { Cursor, parseBytes } from '../../../../src/formats/pull-parser/index.js';
import { LibxlReader, type LibxlSummary } from '../../../../src/formats/xen/libxl-stream/index.js';
import { replaceEmulator } from '../../../../src/states/conversions/index.js';
import { CountedFile } from '../../../support/containers/counted-file.js';
import { MemoryOutput } from '../../../support/io/memory-output.js';
import { emulatorRecord, libxlStream, xenstoreData } from '../../../support/libxl-stream/libxl-bytes.js';
import { WHERE } from '../../../support/pull-parser/parsed.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';

const running = new AbortController().signal;
const data = emulatorRecord('EMULATOR_XENSTORE_DATA', xenstoreData([['physmap/1/name', 'vga.vram']]));

function summaryOf(stream: Uint8Array): LibxlSummary {
  const reader = new LibxlReader(new Cursor(WHERE));
  parseBytes(stream, reader.parse());
  if (reader.summary === undefined) throw new Error('no summary of a complete stream');
  return reader.summary;
}

async function replaced(stream: Uint8Array, state: Uint8Array, file = new CountedFile(stream)): Promise<Uint8Array> {
  const libxl = summaryOf(stream);
  const { emulatorContext: context } = libxl;
  if (context === undefined) throw new Error('no emulator context');
  const output = new MemoryOutput();
  await replaceEmulator({ file, libxl, context, where: WHERE }, state, async () => output, running);
  expect(output.calls).toEqual(['commit']);
  return output.bytes;
}

describe('replaceEmulator', () => {
  it('writes the stream that libxl would write with that state, for any lengths', async () => {
    const states = fc.uint8Array({ minLength: 1, maxLength: 40 });
    const orders = fc.constantFrom('little' as const, 'big' as const);
    await fc.assert(
      fc.asyncProperty(orders, states, states, async (order, before, after) => {
        const stream = libxlStream(before, order);
        const changed = await replaced(stream, after);
        expect(Buffer.compare(changed, libxlStream(after, order))).toBe(0);
        expect(Buffer.compare(await replaced(changed, before), stream)).toBe(0);
      }),
    );
  });

  it('does not change the other records', async () => {
    const stream = libxlStream(Buffer.from('one state'), 'little', data);
    expect(
      Buffer.compare(
        await replaced(stream, Buffer.from('another')),
        libxlStream(Buffer.from('another'), 'little', data),
      ),
    ).toBe(0);
  });

  it('fails when the file becomes shorter during the copy', async () => {
    const stream = libxlStream(Buffer.from('one state'));
    const shorter = new CountedFile(stream.subarray(0, 100));
    shorter.size = async () => stream.length;
    const error: StubferryError = await rejectionOf(replaced(stream, Buffer.from('another'), shorter));
    expect(error).toMatchObject({
      code: 'TRUNCATED',
      message: 'the file became shorter while it was read',
      details: { where: WHERE, offset: 100 },
    });
  });
});
