/**
 * Writes a copy of an xl save file or a libxl stream with another emulator context.
 *
 *     before the record | record header: type 3, length + 8 | emulator | the new state | zeros | after the record
 *          copied       |               new                 |  copied  |      new      |  new  |      copied
 *
 * A libxl stream has no length or checksum that covers several records, and its records are aligned relative to the
 * stream. Therefore only the header and the padding of this record depend on the length of the state.
 */

import { StubferryError } from '../../base/errors/index.js';
import type { ByteOutput, OpenOutput } from '../../formats/byte-output.js';
import { encodeRecordHeader, paddingAfter } from '../../formats/pull-parser/index.js';
import type { Seekable } from '../../formats/state-source.js';
import {
  EMULATOR_HEADER_BYTES,
  type EmulatorContext,
  LIBXL_RECORDS,
  type LibxlSummary,
  LONGEST_EMULATOR_CONTEXT,
} from '../../formats/xen/libxl-stream/index.js';
import { copyRange } from './copy.js';
import { writeWhole } from './write-whole.js';

/** A save file and the position of its emulator context. */
export interface SaveFile {
  readonly file: Seekable;
  readonly libxl: LibxlSummary;
  readonly context: EmulatorContext;
  /** The name of the file, for error messages. */
  readonly where: string;
}

/**
 * Writes the save file with `state` in place of its emulator context. On failure it leaves no destination behind.
 * @throws StubferryError LIMIT_EXCEEDED: when `state` is too large for a libxl record
 * @throws StubferryError: any error of the file or the destination, or the reason of `signal`
 */
export async function replaceEmulator(
  { file, libxl, context, where }: SaveFile,
  state: Uint8Array,
  open: OpenOutput,
  signal: AbortSignal,
): Promise<void> {
  if (state.length > LONGEST_EMULATOR_CONTEXT) {
    throw new StubferryError('LIMIT_EXCEEDED', 'the state does not fit into a libxl record', {
      where,
      expected: `at most ${LONGEST_EMULATOR_CONTEXT} bytes`,
      found: `${state.length}`,
    });
  }
  const recordEnd = context.offset + context.length + paddingAfter(EMULATOR_HEADER_BYTES + context.length);
  const emulator = { offset: context.offset - EMULATOR_HEADER_BYTES, length: EMULATOR_HEADER_BYTES };
  const body = EMULATOR_HEADER_BYTES + state.length;
  const copy = (range: { offset: number; length: number }, output: ByteOutput) => copyRange(file, range, output, where);
  await writeWhole(open, signal, async (output) => {
    await copy({ offset: 0, length: context.recordOffset }, output);
    await output.write([encodeRecordHeader(LIBXL_RECORDS.EMULATOR_CONTEXT, body, libxl.byteOrder)]);
    await copy(emulator, output);
    await output.write([state, new Uint8Array(paddingAfter(body))]);
    await copy({ offset: recordEnd, length: (await file.size()) - recordEnd }, output);
  });
}
