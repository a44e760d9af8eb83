/**
 * Splits the device part of a state that says nothing of where its sections end: as Xen has QEMU write it.
 *
 * Places that look like the header of a section (candidates.ts) are the nodes of a graph; a chain of them, from the first
 * byte on, is a way to read the state. The chain that is the most plausible one is taken, by dynamic programming over all
 * pairs, and what it gives is marked as inferred. What makes a chain plausible:
 *
 *     every header in it                     + up to 1
 *     ids that are left out                  - a little: skipped devices, hot unplug (measured: up to 9 in a row)
 *     an id below the one before             - much, but after a device that QEMU saves before the others (below)
 *     a body of a length that is not usual   - up to 20 (usual-bodies.ts)
 *
 * QEMU counts ids up as devices are made, and saves in that order but for a few kinds of devices that have priority:
 * those come first (`MIG_PRI_*` in migration/savevm.c). And no two sections have the same id. (They may have the same name
 * and instance: isapc's two `isa-ide` have.) A scan from header to header has none of this: it takes the first look-alike
 * in a body, and then loses the real header that the look-alike reaches into.
 */
import { type Candidate, candidatesIn } from './candidates.js';
import { complaint, hexByte, type Place } from './complaint.js';
import { QEVM_LIMITS } from './limits.js';
import type { DevicePart, Piece } from './piece.js';
import { baseName } from './section-header.js';
import { bodyPenalty } from './usual-bodies.js';

const GAP = { each: 0.02, most: 0.5 };
/** For an id below the one before: so much, and again for each section before it. */
const DESCENT = { base: 1, each: 2, afterPriority: 0.2 };
/** Times that a chain is looked for again without a header that another one contradicts. */
const ROUNDS = 8;

/** What QEMU 7.2 saves before other devices: bridges, IOMMUs and virtio-mem. */
const PRIORITY = new Set([
  ...['pcie-root-port', 'ioh-3240-express-root-port', 'i82801b11_bridge', 'pci_bridge', 'pcie-pci-bridge'],
  ...['xio3130-express-upstream-port', 'xio3130-express-downstream-port'],
  ...['iommu-intel', 'virtio-iommu-device', 'virtio-iommu', 'virtio-mem-device', 'virtio-mem', 'smmuv3', 'arm_gicv3'],
]);

/** @throws StubferryError CORRUPT, LIMIT_EXCEEDED */
export function splitByInference(part: DevicePart, place: Place): Piece[] {
  const { bytes, end, offset } = part;
  if (end === 0) return [];
  let candidates = candidatesIn(bytes, end, QEVM_LIMITS.candidates);
  if (candidates === undefined) {
    const expected = `at most ${QEVM_LIMITS.candidates} of them`;
    throw complaint('LIMIT_EXCEEDED', 'too much looks like a section here', place, offset, expected, 'more');
  }
  if (candidates[0]?.offset !== 0) {
    const found = hexByte(bytes[0]);
    throw complaint('CORRUPT', 'no section begins here', place, offset, 'the header of a section', found);
  }
  const all = candidates;
  let chain = bestChain(candidates, end);
  for (let round = 0; round < ROUNDS; round += 1) {
    const wrong = contradicted(chain);
    if (wrong === undefined) break;
    candidates = candidates.filter((candidate) => candidate !== wrong);
    chain = bestChain(candidates, end);
  }
  return piecesOf(chain, all, end);
}

/** The chain with the highest score. @param candidates in order; the first one begins every chain */
function bestChain(candidates: readonly Candidate[], end: number): readonly Candidate[] {
  const count = candidates.length;
  const scores = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  const before = new Int32Array(count).fill(-1);
  const lengths = new Int32Array(count);
  let best = -1;
  let bestScore = Number.NEGATIVE_INFINITY;
  candidates.forEach((to, at) => {
    if (at === 0) scores[at] = to.weight;
    for (let from = 0; from < at; from += 1) {
      const candidate = candidates[from];
      const score = scores[from] ?? Number.NEGATIVE_INFINITY;
      if (candidate === undefined || score + to.weight <= (scores[at] ?? 0)) continue;
      const reached = score + to.weight - costOf(candidate, to, lengths[from] ?? 0);
      if (reached <= (scores[at] ?? 0)) continue;
      scores[at] = reached;
      before[at] = from;
    }
    lengths[at] = at === 0 ? 1 : (lengths[before[at] ?? 0] ?? 0) + 1;
    const length = end - to.offset - to.headerBytes;
    const whole = (scores[at] ?? 0) - bodyPenalty(to.name, length);
    if (length < 0 || whole <= bestScore) return;
    best = at;
    bestScore = whole;
  });
  const chain: Candidate[] = [];
  for (let at = best; at >= 0; at = before[at] ?? -1) {
    const candidate = candidates[at];
    if (candidate !== undefined) chain.push(candidate);
  }
  return chain.reverse();
}

/** What it costs that `to` follows `from`, the `length`th section of its chain. */
function costOf(from: Candidate, to: Candidate, length: number): number {
  const body = to.offset - from.offset - from.headerBytes;
  if (body < 0 || to.id === from.id) return Number.POSITIVE_INFINITY;
  const penalty = bodyPenalty(from.name, body);
  if (to.id > from.id) return penalty + Math.min(GAP.most, GAP.each * (to.id - from.id - 1));
  const descent = PRIORITY.has(baseName(from.name)) ? DESCENT.afterPriority : DESCENT.base + DESCENT.each * length;
  return penalty + descent;
}

/** One of two sections of the same id: the one with fewer neighbours by its id. */
function contradicted(chain: readonly Candidate[]): Candidate | undefined {
  const seen = new Map<number, Candidate>();
  for (const candidate of chain) {
    const other = seen.get(candidate.id);
    if (other !== undefined) return other === chain[0] || fits(other, chain) ? candidate : other;
    seen.set(candidate.id, candidate);
  }
  return undefined;
}

/** Whether its id continues that of the section before or behind it. */
function fits(candidate: Candidate, chain: readonly Candidate[]): boolean {
  const place = chain.indexOf(candidate);
  return chain[place - 1]?.id === candidate.id - 1 || chain[place + 1]?.id === candidate.id + 1;
}

function piecesOf(chain: readonly Candidate[], all: readonly Candidate[], end: number): Piece[] {
  const same = new Map<string, number[]>();
  const key = ({ id, name, instance, version }: Candidate): string => `${id} ${instance} ${version} ${name}`;
  for (const candidate of all) same.set(key(candidate), [...(same.get(key(candidate)) ?? []), candidate.offset]);
  return chain.map((candidate, place) => {
    const { id, name, instance, version, offset, headerBytes } = candidate;
    const after = chain[place + 1]?.offset ?? end;
    const from = chain[place - 1]?.offset ?? -1;
    const alternatives = (same.get(key(candidate)) ?? []).filter((at) => at !== offset && at > from && at < after);
    const header = { id, name, instance, version, headerBytes };
    const bodyLength = after - offset - headerBytes;
    return { ...header, type: 'full', offset, bodyLength, footerBytes: 0, inferred: true, alternatives };
  });
}
