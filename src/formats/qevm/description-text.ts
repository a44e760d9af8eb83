/**
 * The text of the description at the end of a state:
 *
 *     ... 0x00 (end of the state) 0x06 u32 n, n bytes of JSON
 *
 * Nothing before the description says that it exists or where it begins, so the reader searches for it from the end.
 * The text contains no byte below a space, and its length field confirms where it begins.
 */

import { messageOf } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import { type Description, descriptionFrom } from './description.js';
import { beyondJsonLimits } from './json-extent.js';
import { QEVM_LIMITS } from './limits.js';
import { type Location, parseError } from './parse-error.js';
import { DESCRIPTION, END_OF_STATE } from './section-header.js';

/** Length of the 0x06 and of the length field, in bytes. */
const BEFORE_TEXT = 5;
const SPACE = 0x20;

/**
 * Returns the offset of the 0x06 of a description that ends where `bytes` end; undefined if there is no description.
 */
export function descriptionMarkIn(bytes: Uint8Array): number | undefined {
  if (bytes.at(-1) !== '}'.charCodeAt(0)) return undefined;
  let start = bytes.length;
  while (start > 0 && (bytes[start - 1] ?? 0) >= SPACE) start -= 1;
  // The last bytes of the length field may look like text.
  for (let mark = start - 1; mark >= Math.max(0, start - BEFORE_TEXT); mark -= 1) {
    const fits = bytes[mark] === DESCRIPTION && mark + BEFORE_TEXT < bytes.length && bytes[mark - 1] === END_OF_STATE;
    if (fits && viewOf(bytes).getUint32(mark + 1) === bytes.length - mark - BEFORE_TEXT) return mark;
  }
  return undefined;
}

/**
 * Reads the description.
 *
 * @param mark offset of its 0x06 in `bytes`
 * @param offset offset of its 0x06 in the state, for errors
 * @throws StubferryError CORRUPT: when the text is not JSON or not a description; LIMIT_EXCEEDED: when it is too large
 */
export function readDescription(bytes: Uint8Array, mark: number, location: Location, offset: number): Description {
  const text = bytes.subarray(mark + BEFORE_TEXT);
  const problem = beyondJsonLimits(text, QEVM_LIMITS.description);
  if (problem !== undefined) {
    const [expected, found] = problem;
    throw parseError(
      'LIMIT_EXCEEDED',
      'the description of the devices is too large',
      location,
      offset,
      expected,
      found,
    );
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text.buffer, text.byteOffset, text.length).toString('utf8'));
  } catch (cause) {
    const found = messageOf(cause).slice(0, 120);
    throw parseError('CORRUPT', 'the description of the devices is not JSON', location, offset, 'JSON', found);
  }
  return descriptionFrom(parsed);
}
