import type { StubferryError } from '../../../src/base/errors/index.js';
import type { Cursor, PullParser } from '../../../src/formats/pull-parser/index.js';
import { LibxcReader, type LibxcSummary } from '../../../src/formats/xen/libxc-stream/index.js';
import { parsed, refusalOf } from '../pull-parser/parsed.js';

function* read(cursor: Cursor): PullParser<LibxcSummary> {
  const reader = new LibxcReader(cursor);
  yield* reader.parse();
  if (reader.summary === undefined) throw new Error('no summary of a whole stream');
  return reader.summary;
}

/** @throws StubferryError */
export function readLibxc(bytes: Uint8Array): LibxcSummary {
  return parsed(bytes, read).result;
}

export function libxcRefusal(bytes: Uint8Array): StubferryError {
  return refusalOf(bytes, read);
}
