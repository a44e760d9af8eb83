/**
 * Detects that a state without footers is truncated.
 *
 * Only the end mark says where such a state ends. The end mark is a zero byte, and bodies are full of zero bytes: about
 * every second truncated state ends in a zero byte, so it looks complete. The length of its last section shows that it
 * is truncated, if there is a size hint (section-size-hints.ts) for the device of that section:
 *
 *     the last section is too short               | header | bo
 *     it contains the start of another header     | header | body | header of the ne
 *     it contains a section that is too short     | header | body | header | bo
 *
 * (The state of a minimal Xen guest can be truncated at 6674 offsets. About 1000 of them are not detected: they are in
 * bodies whose length varies.) A body whose length equals its size hint is not searched: a guest may put any bytes
 * there.
 */

import { printable } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import type { Candidate } from './candidates.js';
import { type Location, parseError } from './parse-error.js';
import { BEFORE_NAME, SECTION_TYPES } from './section-header.js';
import { lengthHintOf } from './section-size-hints.js';
import type { DeviceSections, Span } from './span.js';

/** Largest difference between the ids of consecutive sections. The largest number of skipped ids that was seen is 9. */
const MAX_ID_STEP = 64;

/**
 * Checks that the last section of an inferred split is complete, as far as its length shows.
 *
 * @param last the last section of the split
 * @param candidates everything in the device sections that looks like a header, in the order of the offsets
 * @throws StubferryError TRUNCATED: when the state is truncated
 */
export function assertNotTruncated(
  last: Span | undefined,
  candidates: readonly Candidate[],
  { bytes, offset, end }: DeviceSections,
  location: Location,
): void {
  if (last === undefined) return;
  const problem = problemOf(last, candidates, bytes, end);
  if (problem === undefined) return;
  const [expected, found] = problem;
  const hint = 'it was not completely written or copied: save it again or copy it again';
  throw parseError('TRUNCATED', 'the QEMU state is truncated', location, offset + end + 1, expected, found, hint);
}

type Problem = readonly [expected: string, found: string];

function problemOf(last: Span, candidates: readonly Candidate[], bytes: Uint8Array, end: number): Problem | undefined {
  const { shortest, longest, hasHint, isMinimumReliable } = lengthHintOf(last);
  if (!hasHint || !isMinimumReliable) return undefined;
  const { bodyLength, name, id } = last;
  if (bodyLength < shortest) return tooShort(name, shortest, bodyLength);
  if (bodyLength === shortest || bodyLength === longest) return undefined;
  const inner = candidates.findLast((candidate) => candidate.offset > last.offset && mayFollow(candidate.id, id));
  const innerHint = inner === undefined ? undefined : lengthHintOf(inner);
  const innerLength = inner === undefined ? 0 : end - inner.offset - inner.headerBytes;
  if (inner !== undefined && innerHint?.isMinimumReliable === true && innerLength < innerHint.shortest) {
    return tooShort(inner.name, innerHint.shortest, innerLength);
  }
  const bodyOffset = last.offset + last.headerBytes;
  const tails = [shortest, longest].map((length) => bytes.subarray(bodyOffset + length, end + 1));
  const isTruncated = tails.some((tail) => isTruncatedHeader(tail, id));
  return isTruncated ? ['another section', `only the beginning of one after ${printable(name)}`] : undefined;
}

function tooShort(name: string, minimum: number, found: number): Problem {
  return [`at least ${minimum} bytes of ${printable(name)}, and the end mark`, `${found} bytes`];
}

/**
 * Whether the last bytes of a state, as far as they go, are the start of the header of the section after section `id`.
 */
function isTruncatedHeader(bytes: Uint8Array, id: number): boolean {
  if (bytes[0] !== SECTION_TYPES.full) return false;
  return bytes.length < BEFORE_NAME || mayFollow(viewOf(bytes).getUint32(1), id);
}

function mayFollow(next: number, id: number): boolean {
  return next > id && next - id <= MAX_ID_STEP;
}
