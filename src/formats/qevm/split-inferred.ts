/**
 * Splits the device part of a state that says nothing of where its sections end: as Xen has QEMU write it.
 *
 * Any place that looks like the header of a section (candidates.ts) may be one; the most plausible chain of them is taken
 * (chain.ts), and what it gives is marked as inferred. A scan from header to header would take the first look-alike in a
 * body, and lose the real header that the look-alike reaches into.
 */
import { type Candidate, candidatesIn } from './candidates.js';
import { bestChain } from './chain.js';
import { QEVM_LIMITS } from './limits.js';
import { hexByte, type Location, parseError } from './parse-error.js';
import type { DeviceSections, Span } from './span.js';
import { assertNotTruncated } from './truncation.js';

/** @throws StubferryError CORRUPT, TRUNCATED */
export function splitByInference(part: DeviceSections, location: Location): Span[] {
  const { bytes, end, offset } = part;
  if (end === 0) return [];
  const all = candidatesIn(bytes, end, QEVM_LIMITS.candidates);
  if (all[0]?.offset !== 0) {
    const found = hexByte(bytes[0]);
    throw parseError('CORRUPT', 'no section begins here', location, offset, 'the header of a section', found);
  }
  const chain = chainOf(all, end);
  const spans = piecesOf(chain, all, end);
  assertNotTruncated(spans.at(-1), all, part, location);
  return spans;
}

/**
 * Ids go down behind devices that QEMU saves before others. Which those are is known of QEMU 7.2; that there are more of
 * them is believed only where that gives a better chain in which no id comes twice.
 */
function chainOf(candidates: readonly Candidate[], end: number): readonly Candidate[] {
  const rules = { before: QEVM_LIMITS.candidatesBack, trailer: 0 };
  const [strict, loose] = [false, true].map((anyDescent) => {
    const { places, score } = bestChain(candidates, end, { ...rules, anyDescent });
    return { chain: places.flatMap((index) => candidates[index] ?? []), score };
  });
  const ids = loose?.chain.map(({ id }) => id) ?? [];
  const isBetter = loose !== undefined && loose.score > (strict?.score ?? Number.NEGATIVE_INFINITY);
  return (isBetter && new Set(ids).size === ids.length ? loose : strict)?.chain ?? [];
}

function piecesOf(chain: readonly Candidate[], all: readonly Candidate[], end: number): Span[] {
  const same = new Map<string, number[]>();
  for (const candidate of all) {
    const offsets = same.get(keyOf(candidate));
    if (offsets === undefined) same.set(keyOf(candidate), [candidate.offset]);
    else offsets.push(candidate.offset);
  }
  return chain.map((candidate, index) => {
    const { id, name, instance, version, offset, headerBytes } = candidate;
    const after = chain[index + 1]?.offset ?? end;
    const from = chain[index - 1]?.offset ?? -1;
    const alternatives = (same.get(keyOf(candidate)) ?? []).filter((at) => at !== offset && at > from && at < after);
    const bodyLength = after - offset - headerBytes;
    const header = { id, name, instance, version, headerBytes };
    return { ...header, type: 'full', offset, bodyLength, footerBytes: 0, inferred: true, alternatives };
  });
}

function keyOf({ id, name, instance, version }: Candidate): string {
  return `${id} ${instance} ${version} ${name}`;
}
