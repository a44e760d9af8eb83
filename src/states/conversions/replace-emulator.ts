/**
 * Writes an xl save file, or a libxl stream, again with another emulator context.
 *
 *     0 ... the record's header | type 3, length + 8 | emulator | the new state | zeros | the rest, from the next record on
 *              copied           |       new          |  copied  |     new       |  new  |     copied
 *
 * A libxl stream holds no length or checksum over several records, and its records are aligned to their stream: the header
 * and the padding of this one are all that depends on its length.
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

export interface SaveFile {
  readonly file: Seekable;
  readonly libxl: LibxlSummary;
  readonly context: EmulatorContext;
  /** For messages. */
  readonly where: string;
}

/** @throws StubferryError LIMIT_EXCEEDED, and whatever file or destination throw; nothing is left behind then */
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
