import type { StubferryError } from '../../../src/base/errors/index.js';
import type { Place, Walk } from '../../../src/formats/pull-parser/index.js';
import { LibxcReader, type LibxcSummary } from '../../../src/formats/xen/libxc-stream/index.js';
import { refusalOf, walked } from '../pull-parser/walked.js';

function* read(place: Place): Walk<LibxcSummary> {
  const reader = new LibxcReader(place);
  yield* reader.walk();
  if (reader.summary === undefined) throw new Error('no summary of a whole stream');
  return reader.summary;
}

/** @throws StubferryError */
export function readLibxc(bytes: Uint8Array): LibxcSummary {
  return walked(bytes, read).result;
}

export function libxcRefusal(bytes: Uint8Array): StubferryError {
  return refusalOf(bytes, read);
}
