import type { StubferryError } from '../../../src/base/errors/index.js';
import type { Cursor, PullParser } from '../../../src/formats/pull-parser/index.js';
import { LibxlReader, type LibxlSummary } from '../../../src/formats/xen/libxl-stream/index.js';
import { type Parsed, parsed, refusalOf } from '../pull-parser/parsed.js';

function* read(cursor: Cursor): PullParser<LibxlSummary> {
  const reader = new LibxlReader(cursor);
  yield* reader.parse();
  if (reader.summary === undefined) throw new Error('no summary of a whole stream');
  return reader.summary;
}

/** @throws StubferryError */
export function readLibxl(bytes: Uint8Array): Parsed<LibxlSummary> {
  return parsed(bytes, read);
}

export function libxlRefusal(bytes: Uint8Array): StubferryError {
  return refusalOf(bytes, read);
}
