/**
 * The text of the description, at the end of a state:
 *
 *     ... 0x00 (end of the state) 0x06 u32 n, n bytes of JSON
 *
 * Nothing in front says that there is one or where it begins, so it is looked for from the end: the text holds no byte
 * below a space, and its length says where it begins.
 */

import { messageOf } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import { type Description, descriptionFrom } from './description.js';
import { beyondJsonLimits } from './json-extent.js';
import { QEVM_LIMITS } from './limits.js';
import { type Location, parseError } from './parse-error.js';
import { DESCRIPTION, END_OF_STATE } from './section-header.js';

/** The mark and the length. */
const BEFORE_TEXT = 5;
const SPACE = 0x20;

/** Where the 0x06 of a description stands that ends where `bytes` end; undefined when there is none. */
export function descriptionMarkIn(bytes: Uint8Array): number | undefined {
  if (bytes.at(-1) !== '}'.charCodeAt(0)) return undefined;
  let start = bytes.length;
  while (start > 0 && (bytes[start - 1] ?? 0) >= SPACE) start -= 1;
  // The last bytes of the length may look like text.
  for (let mark = start - 1; mark >= Math.max(0, start - BEFORE_TEXT); mark -= 1) {
    const fits = bytes[mark] === DESCRIPTION && mark + BEFORE_TEXT < bytes.length && bytes[mark - 1] === END_OF_STATE;
    if (fits && viewOf(bytes).getUint32(mark + 1) === bytes.length - mark - BEFORE_TEXT) return mark;
  }
  return undefined;
}

/** @param offset of the mark, for errors. @throws StubferryError CORRUPT, LIMIT_EXCEEDED */
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
    throw parseError('CORRUPT', 'the description of the devices is no JSON', location, offset, 'JSON', found);
  }
  return descriptionFrom(parsed);
}
