/**
 * Notices that a state without footers was cut off.
 *
 * Nothing but the end mark says where it ends, and that is a zero, as bodies are full of: about every second cut looks like
 * an end. Then the last section is, where its device is one whose length is known,
 *
 *     too short                                     | header | bo
 *     or there is the beginning of one more behind  | header | body | header of the ne
 *     or one is in it that is too short itself      | header | body | header | bo
 *
 * (Of the 6674 places at which the state of a minimal Xen guest can be cut, some 1000 are left: within bodies that vary.)
 * A body that is just as long as usual is never looked into: a guest may put anything there.
 */

import { printable } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import type { Candidate } from './candidates.js';
import { type Location, parseError } from './parse-error.js';
import { BEFORE_NAME, SECTION_TYPES } from './section-header.js';
import { hintedLength } from './section-size-hints.js';
import type { DeviceSections, Span } from './span.js';

/** Section ids between one section and the next; 9 is the most that was seen. */
const MOST_LEFT_OUT = 64;

/**
 * @param last section of an inferred split
 * @param candidates all places that look like a header
 * @throws StubferryError TRUNCATED
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
  throw parseError('TRUNCATED', 'the QEMU state was cut off', location, offset + end + 1, expected, found, hint);
}

type Problem = readonly [expected: string, found: string];

function problemOf(last: Span, candidates: readonly Candidate[], bytes: Uint8Array, end: number): Problem | undefined {
  const { shortest, longest, isKnown, boundedBelow } = hintedLength(last);
  if (!isKnown || !boundedBelow) return undefined;
  const { bodyLength, name, id } = last;
  if (bodyLength < shortest) return tooShort(name, shortest, bodyLength);
  if (bodyLength === shortest || bodyLength === longest) return undefined;
  const within = candidates.findLast((candidate) => candidate.offset > last.offset && follows(candidate.id, id));
  const least = within === undefined ? undefined : hintedLength(within);
  const left = within === undefined ? 0 : end - within.offset - within.headerBytes;
  if (within !== undefined && least?.boundedBelow === true && left < least.shortest) {
    return tooShort(within.name, least.shortest, left);
  }
  const body = last.offset + last.headerBytes;
  const behind = [shortest, longest].map((length) => bytes.subarray(body + length, end + 1));
  const isCut = behind.some((rest) => isCutHeader(rest, id));
  return isCut ? ['another section', `the beginning of one behind ${printable(name)}`] : undefined;
}

function tooShort(name: string, least: number, found: number): Problem {
  return [`at least ${least} bytes of ${printable(name)}, and the end mark`, `${found} bytes`];
}

/** Whether these last bytes of a state begin like the header of the section that follows section `id`, as far as they go. */
function isCutHeader(bytes: Uint8Array, id: number): boolean {
  if (bytes[0] !== SECTION_TYPES.full) return false;
  return bytes.length < BEFORE_NAME || follows(viewOf(bytes).getUint32(1), id);
}

function follows(next: number, id: number): boolean {
  return next > id && next - id <= MOST_LEFT_OUT;
}
