import type { StubferryError } from '../../../src/base/errors/index.js';
import type { Place, Walk } from '../../../src/formats/pull-parser/index.js';
import { LibxlReader, type LibxlSummary } from '../../../src/formats/xen/libxl-stream/index.js';
import { refusalOf, type Walked, walked } from '../pull-parser/walked.js';

function* read(place: Place): Walk<LibxlSummary> {
  const reader = new LibxlReader(place);
  yield* reader.walk();
  if (reader.summary === undefined) throw new Error('no summary of a whole stream');
  return reader.summary;
}

/** @throws StubferryError */
export function readLibxl(bytes: Uint8Array): Walked<LibxlSummary> {
  return walked(bytes, read);
}

export function libxlRefusal(bytes: Uint8Array): StubferryError {
  return refusalOf(bytes, read);
}
