/**
 * Splits the device sections of a state that does not contain the ends of its sections. QEMU writes such states under
 * Xen.
 *
 * Everything that looks like the header of a section (candidates.ts) may be a header. The split uses the most plausible
 * chain of these candidates (chain.ts) and marks its sections as inferred. A scan from header to header would instead
 * accept the first look-alike in a body, and miss the real header that the look-alike overlaps.
 */
import { type Candidate, candidatesIn } from './candidates.js';
import { bestChain } from './chain.js';
import { QEVM_LIMITS } from './limits.js';
import { hexByte, type Location, parseError } from './parse-error.js';
import type { DeviceSections, Span } from './span.js';
import { assertNotTruncated } from './truncation.js';

/**
 * Splits the device sections by inference.
 *
 * @throws StubferryError CORRUPT: when the first byte does not begin a section; TRUNCATED: when the last section shows
 * that the state is truncated
 */
export function splitByInference(sections: DeviceSections, location: Location): Span[] {
  const { bytes, end, offset } = sections;
  if (end === 0) return [];
  const candidates = candidatesIn(bytes, end, QEVM_LIMITS.candidates);
  if (candidates[0]?.offset !== 0) {
    const found = hexByte(bytes[0]);
    throw parseError('CORRUPT', 'no section begins here', location, offset, 'the header of a section', found);
  }
  const chain = chainOf(candidates, end);
  const spans = spansOf(chain, candidates, end);
  assertNotTruncated(spans.at(-1), candidates, sections, location);
  return spans;
}

/**
 * Finds the most plausible chain. After a device that QEMU saves before others, the next id may be lower. The devices
 * that QEMU 7.2 saves first are known (chain.ts). The strict search allows a lower id only after these. The loose
 * search allows it after any device; its chain is used only if it has a higher score and no id occurs twice in it.
 */
function chainOf(candidates: readonly Candidate[], end: number): readonly Candidate[] {
  const rules = { predecessors: QEVM_LIMITS.candidatePredecessors, trailer: 0 };
  const [strict, loose] = [false, true].map((anyDescent) => {
    const { indexes, score } = bestChain(candidates, end, { ...rules, anyDescent });
    return { chain: indexes.flatMap((index) => candidates[index] ?? []), score };
  });
  const ids = loose?.chain.map(({ id }) => id) ?? [];
  const isBetter = loose !== undefined && loose.score > (strict?.score ?? Number.NEGATIVE_INFINITY);
  return (isBetter && new Set(ids).size === ids.length ? loose : strict)?.chain ?? [];
}

function spansOf(chain: readonly Candidate[], candidates: readonly Candidate[], end: number): Span[] {
  const offsetsByKey = new Map<string, number[]>();
  for (const candidate of candidates) {
    const offsets = offsetsByKey.get(keyOf(candidate));
    if (offsets === undefined) offsetsByKey.set(keyOf(candidate), [candidate.offset]);
    else offsets.push(candidate.offset);
  }
  return chain.map((candidate, index) => {
    const { id, name, instance, version, offset, headerBytes } = candidate;
    const next = chain[index + 1]?.offset ?? end;
    const previous = chain[index - 1]?.offset ?? -1;
    const sameHeader = offsetsByKey.get(keyOf(candidate)) ?? [];
    const alternatives = sameHeader.filter((at) => at !== offset && at > previous && at < next);
    const bodyLength = next - offset - headerBytes;
    const header = { id, name, instance, version, headerBytes };
    return { ...header, type: 'full', offset, bodyLength, footerBytes: 0, inferred: true, alternatives };
  });
}

function keyOf({ id, name, instance, version }: Candidate): string {
  return `${id} ${instance} ${version} ${name}`;
}
