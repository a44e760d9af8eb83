import type { StubferryError } from '../../src/errors/index.js';
import { LibxcReader, type LibxcSummary } from '../../src/libxc-stream/index.js';
import type { Place, Walk } from '../../src/stream-walk/index.js';
import { refusalOf, walked } from '../stream-walk/walked.js';

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
