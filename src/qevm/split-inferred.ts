/**
 * Splits the device part of a state that says nothing of where its sections end: as Xen has QEMU write it.
 *
 * Any place that looks like the header of a section (candidates.ts) may be one; the most plausible chain of them is taken
 * (chain.ts), and what it gives is marked as inferred. A scan from header to header would take the first look-alike in a
 * body, and lose the real header that the look-alike reaches into.
 */
import { type Candidate, candidatesIn } from './candidates.js';
import { bestChain } from './chain.js';
import { complaint, hexByte, type Place } from './complaint.js';
import { QEVM_LIMITS } from './limits.js';
import type { DevicePart, Piece } from './piece.js';

/** Times that a chain is looked for again without a header that another one contradicts. */
const ROUNDS = 8;

/** @throws StubferryError CORRUPT, LIMIT_EXCEEDED */
export function splitByInference(part: DevicePart, place: Place): Piece[] {
  const { bytes, end, offset } = part;
  if (end === 0) return [];
  const all = candidatesIn(bytes, end, QEVM_LIMITS.candidates);
  if (all === undefined) {
    const expected = `at most ${QEVM_LIMITS.candidates} of them`;
    throw complaint('LIMIT_EXCEEDED', 'too much looks like a section here', place, offset, expected, 'more');
  }
  if (all[0]?.offset !== 0) {
    const found = hexByte(bytes[0]);
    throw complaint('CORRUPT', 'no section begins here', place, offset, 'the header of a section', found);
  }
  let candidates = all;
  let chain = chainOf(candidates, end);
  for (let round = 0; round < ROUNDS; round += 1) {
    const wrong = contradicted(chain);
    if (wrong === undefined) break;
    candidates = candidates.filter((candidate) => candidate !== wrong);
    chain = chainOf(candidates, end);
  }
  return piecesOf(chain, all, end);
}

function chainOf(candidates: readonly Candidate[], end: number): readonly Candidate[] {
  const places = bestChain(candidates, end, (place) => Array(place).keys(), 0);
  return places.flatMap((place) => candidates[place] ?? []);
}

/** One of two sections of the same id: the one that does not continue the ids beside it. */
function contradicted(chain: readonly Candidate[]): Candidate | undefined {
  const seen = new Map<number, Candidate>();
  for (const candidate of chain) {
    const other = seen.get(candidate.id);
    if (other !== undefined) return other === chain[0] || continues(other, chain) ? candidate : other;
    seen.set(candidate.id, candidate);
  }
  return undefined;
}

function continues(candidate: Candidate, chain: readonly Candidate[]): boolean {
  const place = chain.indexOf(candidate);
  return chain[place - 1]?.id === candidate.id - 1 || chain[place + 1]?.id === candidate.id + 1;
}

function piecesOf(chain: readonly Candidate[], all: readonly Candidate[], end: number): Piece[] {
  const same = new Map<string, number[]>();
  for (const candidate of all) same.set(keyOf(candidate), [...(same.get(keyOf(candidate)) ?? []), candidate.offset]);
  return chain.map((candidate, place) => {
    const { id, name, instance, version, offset, headerBytes } = candidate;
    const after = chain[place + 1]?.offset ?? end;
    const from = chain[place - 1]?.offset ?? -1;
    const alternatives = (same.get(keyOf(candidate)) ?? []).filter((at) => at !== offset && at > from && at < after);
    const bodyLength = after - offset - headerBytes;
    const header = { id, name, instance, version, headerBytes };
    return { ...header, type: 'full', offset, bodyLength, footerBytes: 0, inferred: true, alternatives };
  });
}

function keyOf({ id, name, instance, version }: Candidate): string {
  return `${id} ${instance} ${version} ${name}`;
}
