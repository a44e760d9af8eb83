/**
 * The most plausible chain through places that look like headers of sections, by dynamic programming.
 *
 * Nodes are such places, in the order of their offsets; a chain begins with the first node and reads the device part to its
 * end. What makes it plausible:
 *
 *     every header in it                     + up to 1
 *     ids that are left out                  - a little: skipped devices, hot unplug (measured: up to 9 in a row)
 *     an id below the one before             - much, or never; but after a device that QEMU saves before others (below)
 *     a body as long as it usually is        + 3        |  usual-bodies.ts
 *     a body much longer than is usual       - up to 20 |
 *
 * QEMU counts ids up as devices are made, and saves in that order but for a few kinds of devices that have priority:
 * those come first (`MIG_PRI_*` in migration/savevm.c). No two sections have the same id. (They may have the same name
 * and instance: isapc's two `isa-ide` have.)
 */
import { baseName, type SectionHeader } from './section-header.js';
import { HINTED_SCORE, type HintedLength, lengthScore } from './section-size-hints.js';

export interface Node extends SectionHeader {
  readonly offset: number;
  /** How much it looks like a header: above 0, at most 1. */
  readonly weight: number;
  /** It is of a device that is saved in one piece: ids and lengths of others say nothing. */
  readonly isFull: boolean;
  /** Of a device that is saved before others: see {@link hasPriority}. */
  readonly isEarly: boolean;
  /** How long its body usually is. */
  readonly usual: HintedLength;
}

/** What 7.2 saves before other devices: bridges, IOMMUs, virtio-mem and an interrupt controller. */
const PRIORITY = new Set([
  ...['pcie-root-port', 'ioh-3240-express-root-port', 'i82801b11_bridge', 'pci_bridge', 'pcie-pci-bridge'],
  ...['xio3130-express-upstream-port', 'xio3130-express-downstream-port', 'iommu-intel', 'virtio-iommu-device'],
  ...['virtio-mem-device', 'smmuv3', 'arm_gicv3', 'arm_gicv3_its'],
]);

const GAP = { each: 0.02, most: 0.5 };
/** For an id below the one before: so much, and again for each section before it. */
const DESCENT = { base: 1, each: 2, afterPriority: 0.2 };

/** Whether a section of this name may be followed by one with a lower id. */
export function hasPriority(name: string): boolean {
  return PRIORITY.has(baseName(name));
}

/** Which nodes may stand before another one. */
export type Before =
  /** The places of those before each node, and, last, before the end. */
  | readonly (readonly number[])[]
  /** Any: so many of the last ones are looked at, and the best of those before them. */
  | number;

export interface ChainRules {
  readonly before: Before;
  /** Bytes between a body and the next header. */
  readonly trailer: number;
  /** Whether the id of a section may be below that of one that is not known to be saved before others. */
  readonly anyDescent: boolean;
}

export interface Chain {
  /** Of its nodes; empty where there is no chain. */
  readonly places: readonly number[];
  readonly score: number;
}

/**
 * @param nodes in order of their offsets
 * @param end of the last body
 */
export function bestChain(nodes: readonly Node[], end: number, rules: ChainRules): Chain {
  const { before } = rules;
  const search = new Search(nodes, rules);
  let bestLeft = -1;
  for (let index = 0; index <= nodes.length; index += 1) {
    const to = nodes[index];
    search.begin(index, to, to?.offset ?? end);
    if (typeof before === 'number') {
      const left = index - before - 1;
      if (left >= 0 && search.scoreOf(left) > search.scoreOf(bestLeft)) bestLeft = left;
      // The last one first: it is mostly the best one, and then the others are dismissed by their score alone.
      for (let from = index - 1; from > left; from -= 1) search.consider(from);
      search.consider(bestLeft);
    } else for (const from of before[index] ?? []) search.consider(from);
  }
  return { places: search.chainTo(nodes.length), score: search.scoreOf(nodes.length) };
}

class Search {
  readonly #nodes: readonly Node[];
  readonly #rules: ChainRules;
  readonly #scores: Float64Array;
  /** Sections up to and with this one, in its best chain. */
  readonly #lengths: Int32Array;
  readonly #before: Int32Array;
  #index = 0;
  #to: Node | undefined;
  #bodyEnd = 0;

  constructor(nodes: readonly Node[], rules: ChainRules) {
    this.#nodes = nodes;
    this.#rules = rules;
    this.#scores = new Float64Array(nodes.length + 1).fill(Number.NEGATIVE_INFINITY);
    this.#lengths = new Int32Array(nodes.length + 1);
    this.#before = new Int32Array(nodes.length + 1).fill(-1);
  }

  scoreOf(index: number): number {
    return this.#scores[index] ?? Number.NEGATIVE_INFINITY;
  }

  /** Turns to the node at `place`, in order; to the end when there is none. */
  begin(index: number, to: Node | undefined, offset: number): void {
    this.#index = index;
    this.#to = to;
    this.#bodyEnd = offset - this.#rules.trailer;
    if (index !== 0 || to === undefined) return;
    this.#scores[0] = to.weight;
    this.#lengths[0] = 1;
  }

  /** Whether the node at `from` is the best one before that node so far. */
  consider(from: number): void {
    const node = this.#nodes[from];
    if (node === undefined || this.#index === 0) return;
    const sum = this.scoreOf(from) + (this.#to?.weight ?? 0);
    const best = this.scoreOf(this.#index);
    if (sum + HINTED_SCORE <= best) return;
    const score = sum - costOf(node, this.#to, this.#bodyEnd, this.#descentFrom(from, node));
    if (!(score > best)) return;
    this.#scores[this.#index] = score;
    this.#lengths[this.#index] = (this.#lengths[from] ?? 0) + 1;
    this.#before[this.#index] = from;
  }

  /** What it costs to go from there to a lower id. */
  #descentFrom(from: number, { isEarly }: Node): number {
    if (isEarly) return DESCENT.afterPriority;
    return this.#rules.anyDescent ? DESCENT.base + DESCENT.each * (this.#lengths[from] ?? 0) : Number.POSITIVE_INFINITY;
  }

  chainTo(end: number): number[] {
    const chain: number[] = [];
    for (let index = this.#before[end] ?? -1; index >= 0; index = this.#before[index] ?? -1) chain.push(index);
    return chain.reverse();
  }
}

/** What it costs that `to` follows `from`. @param descent if its id is the lower one */
function costOf(from: Node, to: Node | undefined, bodyEnd: number, descent: number): number {
  const body = bodyEnd - from.offset - from.headerBytes;
  if (body < 0) return Number.POSITIVE_INFINITY;
  if (!from.isFull || to?.isFull === false) return 0;
  if (to?.id === from.id) return Number.POSITIVE_INFINITY;
  const penalty = -lengthScore(from.usual, body);
  if (to === undefined) return penalty;
  return penalty + (to.id > from.id ? Math.min(GAP.most, GAP.each * (to.id - from.id - 1)) : descent);
}
