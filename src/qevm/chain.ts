/**
 * The most plausible chain through places that look like headers of sections, by dynamic programming.
 *
 * Nodes are such places, in the order of their offsets; a chain begins with the first node and reads the device part to its
 * end. What makes it plausible:
 *
 *     every header in it                     + up to 1
 *     ids that are left out                  - a little: skipped devices, hot unplug (measured: up to 9 in a row)
 *     an id below the one before             - much, but after a device that QEMU saves before the others (below)
 *     a body of a length that is not usual   - up to 20 (usual-bodies.ts)
 *
 * QEMU counts ids up as devices are made, and saves in that order but for a few kinds of devices that have priority:
 * those come first (`MIG_PRI_*` in migration/savevm.c). No two sections have the same id. (They may have the same name
 * and instance: isapc's two `isa-ide` have.)
 */
import { baseName, type SectionHeader } from './section-header.js';
import { bodyPenalty } from './usual-bodies.js';

export interface Node extends SectionHeader {
  readonly offset: number;
  /** How much it looks like a header: above 0, at most 1. */
  readonly weight: number;
  /** It is of a device that is saved in one piece: ids and lengths of others say nothing. */
  readonly isFull: boolean;
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

/** Whether a section of this kind may be followed by one with a lower id. */
export function hasPriority({ name }: SectionHeader): boolean {
  return PRIORITY.has(baseName(name));
}

interface Step {
  readonly score: number;
  /** Sections up to here. */
  readonly length: number;
  /** Place of the node before; -1 for the first one. */
  readonly before: number;
}

/**
 * @param nodes in order of their offsets
 * @param end of the last body
 * @param before the places of the nodes that may stand before the one at a place, or before the end (place `nodes.length`)
 * @param trailer bytes between a body and the next header
 * @returns the places of the nodes in the best chain; empty where there is none
 */
export function bestChain(
  nodes: readonly Node[],
  end: number,
  before: (place: number) => Iterable<number>,
  trailer: number,
): number[] {
  const steps: (Step | undefined)[] = [];
  nodes.forEach((node, place) => {
    const first = place === 0 ? { score: node.weight, length: 1, before: -1 } : undefined;
    steps.push(first ?? bestStep(nodes, steps, before(place), node, node.offset - trailer));
  });
  const chain: number[] = [];
  const last = bestStep(nodes, steps, before(nodes.length), undefined, end - trailer);
  for (let place = last?.before ?? -1; place >= 0; place = steps[place]?.before ?? -1) chain.push(place);
  return chain.reverse();
}

/** The best way to a node, or to the end. @param bodyEnd where the body of the section before ends */
function bestStep(
  nodes: readonly Node[],
  steps: readonly (Step | undefined)[],
  places: Iterable<number>,
  to: Node | undefined,
  bodyEnd: number,
): Step | undefined {
  let best: Step | undefined;
  for (const place of places) {
    const [from, step] = [nodes[place], steps[place]];
    if (from === undefined || step === undefined) continue;
    const most = step.score + (to?.weight ?? 0);
    if (best !== undefined && most <= best.score) continue;
    const score = most - costOf(from, to, bodyEnd, step.length);
    if (score === Number.NEGATIVE_INFINITY || (best !== undefined && score <= best.score)) continue;
    best = { score, length: step.length + 1, before: place };
  }
  return best;
}

/** What it costs that `to` follows `from`, the `length`th section of its chain. */
function costOf(from: Node, to: Node | undefined, bodyEnd: number, length: number): number {
  const body = bodyEnd - from.offset - from.headerBytes;
  if (body < 0) return Number.POSITIVE_INFINITY;
  if (!from.isFull || to?.isFull === false) return 0;
  if (to?.id === from.id) return Number.POSITIVE_INFINITY;
  const penalty = bodyPenalty(from.name, body);
  if (to === undefined) return penalty;
  if (to.id > from.id) return penalty + Math.min(GAP.most, GAP.each * (to.id - from.id - 1));
  return penalty + (hasPriority(from) ? DESCENT.afterPriority : DESCENT.base + DESCENT.each * length);
}
