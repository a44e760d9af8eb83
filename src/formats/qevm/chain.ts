/**
 * Finds the most plausible chain of section headers by dynamic programming.
 *
 * The nodes are the bytes that look like headers, in the order of their offsets. A chain begins with the first node and
 * covers the device sections to their end. The score of a chain says how plausible it is:
 *
 *     every header in the chain           + up to 1
 *     ids that are skipped                - up to 0.5: devices without a section, hot unplug (measured: up to 9)
 *     an id below the previous one        - much, or not allowed; - 0.2 after a device that QEMU saves before others
 *     a body as long as its size hint     + 3        |  section-size-hints.ts
 *     a body longer than its size hint    - up to 20 |
 *
 * QEMU assigns ascending ids as it creates the devices, and saves the devices in that order. A few kinds of devices
 * have priority: QEMU saves these first (`MIG_PRI_*` in migration/savevm.c). No two sections have the same id. (Two
 * sections may have the same name and instance: the two `isa-ide` of isapc do.)
 */
import { baseName, type SectionHeader } from './section-header.js';
import { type LengthHint, lengthScore, MAX_LENGTH_SCORE } from './section-size-hints.js';

/** Bytes that look like the header of a section. */
export interface Node extends SectionHeader {
  /** Offset of the header, counted from the first byte of the device sections. */
  readonly offset: number;
  /** How much the bytes look like a header: above 0, at most 1. */
  readonly weight: number;
  /** Whether this is a full section. The ids and lengths of other sections are not evidence for or against a chain. */
  readonly isFull: boolean;
  /** Whether QEMU saves the device before others: see {@link hasPriority}. */
  readonly isEarly: boolean;
  /** The expected length of the body. */
  readonly lengthHint: LengthHint;
}

/** The devices that QEMU 7.2 saves before others: bridges, IOMMUs, virtio-mem and an interrupt controller. */
const PRIORITY = new Set([
  ...['pcie-root-port', 'ioh-3240-express-root-port', 'i82801b11_bridge', 'pci_bridge', 'pcie-pci-bridge'],
  ...['xio3130-express-upstream-port', 'xio3130-express-downstream-port', 'iommu-intel', 'virtio-iommu-device'],
  ...['virtio-mem-device', 'smmuv3', 'arm_gicv3', 'arm_gicv3_its'],
]);

/** The penalty of skipped ids: `each` for every skipped id, at most `max`. */
const GAP = { each: 0.02, max: 0.5 };
/**
 * The penalty of an id below the previous one: `base`, and `each` for every section before it in the chain; after a
 * device with priority only `afterPriority`.
 */
const DESCENT = { base: 1, each: 2, afterPriority: 0.2 };

/** Whether a section of this name may be followed by one with a lower id. */
export function hasPriority(name: string): boolean {
  return PRIORITY.has(baseName(name));
}

/** The nodes that may precede another one in a chain. */
export type Predecessors =
  /** For each node, and then for the end, the indexes of the nodes that may precede it. */
  | readonly (readonly number[])[]
  /** Any node may: the search considers that many of the latest nodes, and the best one of those before them. */
  | number;

/** The rules for chains. */
export interface ChainRules {
  readonly predecessors: Predecessors;
  /** Number of bytes between a body and the next header. */
  readonly trailer: number;
  /** Whether an id may be below the previous one even if that one's device is not known to be saved before others. */
  readonly anyDescent: boolean;
}

/** The result of {@link bestChain}. */
export interface Chain {
  /** The indexes of the nodes in the chain; empty if there is no chain. */
  readonly indexes: readonly number[];
  readonly score: number;
}

/**
 * Returns the chain with the highest score.
 *
 * @param nodes the nodes, in the order of their offsets
 * @param end offset of the end of the last section, with its footer
 */
export function bestChain(nodes: readonly Node[], end: number, rules: ChainRules): Chain {
  const { predecessors } = rules;
  const search = new Search(nodes, rules);
  let bestEarlier = -1;
  for (let index = 0; index <= nodes.length; index += 1) {
    const to = nodes[index];
    search.begin(index, to, to?.offset ?? end);
    if (typeof predecessors === 'number') {
      const earlier = index - predecessors - 1;
      if (earlier >= 0 && search.scoreOf(earlier) > search.scoreOf(bestEarlier)) bestEarlier = earlier;
      // The latest node is considered first. It is usually the best one, and then the scores alone rule out the others.
      for (let from = index - 1; from > earlier; from -= 1) search.consider(from);
      search.consider(bestEarlier);
    } else for (const from of predecessors[index] ?? []) search.consider(from);
  }
  return { indexes: search.chainTo(nodes.length), score: search.scoreOf(nodes.length) };
}

class Search {
  readonly #nodes: readonly Node[];
  readonly #rules: ChainRules;
  readonly #scores: Float64Array;
  /** For each node, the number of nodes in the best chain that ends with it. */
  readonly #lengths: Int32Array;
  /** For each node, the index of its best predecessor; -1 if it has none. */
  readonly #predecessors: Int32Array;
  #index = 0;
  #to: Node | undefined;
  #bodyEnd = 0;

  constructor(nodes: readonly Node[], rules: ChainRules) {
    this.#nodes = nodes;
    this.#rules = rules;
    this.#scores = new Float64Array(nodes.length + 1).fill(Number.NEGATIVE_INFINITY);
    this.#lengths = new Int32Array(nodes.length + 1);
    this.#predecessors = new Int32Array(nodes.length + 1).fill(-1);
  }

  scoreOf(index: number): number {
    return this.#scores[index] ?? Number.NEGATIVE_INFINITY;
  }

  /** Starts the search for the predecessor of the node with this index, or of the end if there is no such node. */
  begin(index: number, to: Node | undefined, offset: number): void {
    this.#index = index;
    this.#to = to;
    this.#bodyEnd = offset - this.#rules.trailer;
    if (index !== 0 || to === undefined) return;
    this.#scores[0] = to.weight;
    this.#lengths[0] = 1;
  }

  /** Makes the node at the index `from` the predecessor, if it is the best one so far. */
  consider(from: number): void {
    const node = this.#nodes[from];
    if (node === undefined || this.#index === 0) return;
    const sum = this.scoreOf(from) + (this.#to?.weight ?? 0);
    const best = this.scoreOf(this.#index);
    if (sum + MAX_LENGTH_SCORE <= best) return;
    const score = sum - penaltyOf(node, this.#to, this.#bodyEnd, this.#descentFrom(from, node));
    if (!(score > best)) return;
    this.#scores[this.#index] = score;
    this.#lengths[this.#index] = (this.#lengths[from] ?? 0) + 1;
    this.#predecessors[this.#index] = from;
  }

  /** Returns the penalty of a lower id after that node. */
  #descentFrom(from: number, { isEarly }: Node): number {
    if (isEarly) return DESCENT.afterPriority;
    return this.#rules.anyDescent ? DESCENT.base + DESCENT.each * (this.#lengths[from] ?? 0) : Number.POSITIVE_INFINITY;
  }

  chainTo(end: number): number[] {
    const chain: number[] = [];
    for (let index = this.#predecessors[end] ?? -1; index >= 0; index = this.#predecessors[index] ?? -1) {
      chain.push(index);
    }
    return chain.reverse();
  }
}

/**
 * Returns the penalty when `to` follows `from`.
 *
 * @param descent the penalty when the id of `to` is the lower one
 */
function penaltyOf(from: Node, to: Node | undefined, bodyEnd: number, descent: number): number {
  const bodyLength = bodyEnd - from.offset - from.headerBytes;
  if (bodyLength < 0) return Number.POSITIVE_INFINITY;
  if (!from.isFull || to?.isFull === false) return 0;
  if (to?.id === from.id) return Number.POSITIVE_INFINITY;
  const penalty = -lengthScore(from.lengthHint, bodyLength);
  if (to === undefined) return penalty;
  return penalty + (to.id > from.id ? Math.min(GAP.max, GAP.each * (to.id - from.id - 1)) : descent);
}
