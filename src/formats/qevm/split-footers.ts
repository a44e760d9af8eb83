/**
 * Splits the device sections of a state by their footers.
 *
 *     header of S  body  0x7e S | header of T  body  0x7e T | ... | 0x00
 *
 * The format does not store the length of a body, and a body may contain the bytes of a footer followed by a header. So
 * every header that follows a footer is a node. A chain of nodes is a way to split the state: the footer before each
 * node must name the section before it. In nearly every state there is one such chain, because no two sections have the
 * same id: a split inside the body of S would need two sections with the id of S. A second chain exists if a guest puts
 * a whole state into a buffer of a device. Then the most plausible chain is used (chain.ts), and the sections in which
 * the chains differ are marked as inferred.
 */

import { printable } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import { candidateAt } from './candidates.js';
import { bestChain, type Node } from './chain.js';
import { QEVM_LIMITS } from './limits.js';
import { hexByte, type Location, parseError } from './parse-error.js';
import { FOOTER, FOOTER_BYTES, SECTION_TYPES, type SectionType } from './section-header.js';
import type { DeviceSections, Span } from './span.js';

interface FooteredNode extends Node {
  readonly type: SectionType;
  /** The section id in the footer before the node; undefined for the first node. */
  readonly footerOf: number | undefined;
}

/** Length of the header of a part or end section, in bytes: its type and its id. */
const CONTINUATION_BYTES = 5;
/**
 * Number of nodes of one id that are considered as predecessors, counted back from the latest one. Only part sections
 * are many, and they follow each other.
 */
const MAX_SAME_ID = 32;

/**
 * Splits the device sections by their footers.
 *
 * @throws StubferryError CORRUPT: when no chain of sections leads to the end mark; LIMIT_EXCEEDED: when there are too
 * many sections
 */
export function splitByFooters(sections: DeviceSections, location: Location): Span[] {
  const { bytes, end } = sections;
  if (end === 0) return [];
  const nodes = nodesIn(sections, location);
  const { predecessors, reached } = linksOf(nodes, bytes, end);
  const { indexes: chain } = bestChain(nodes, end, { predecessors, trailer: FOOTER_BYTES, anyDescent: true });
  if (chain.length === 0) {
    const last = nodes[reached];
    const message = `the section ${printable(last?.name ?? '')} does not end in its footer`;
    const expected = `0x7e, section id ${last?.id}, and the next section or the end mark`;
    throw parseError(
      'CORRUPT',
      message,
      location,
      sections.offset + (last?.offset ?? 0),
      expected,
      'none up to the end of the state',
    );
  }
  const ambiguous = ambiguousIn(chain, predecessors, nodes);
  return chain.flatMap((at, step) => {
    const node = nodes[at];
    if (node === undefined) return [];
    const next = chain[step + 1] ?? nodes.length;
    const bodyLength = (nodes[next]?.offset ?? end) - FOOTER_BYTES - node.offset - node.headerBytes;
    const inferred = ambiguous.has(at) || ambiguous.has(next);
    return { ...node, bodyLength, footerBytes: FOOTER_BYTES, inferred, alternatives: [] };
  });
}

/** Finds every offset at which a section may begin: the first byte, and the byte after each footer. */
function nodesIn({ bytes, end, offset }: DeviceSections, location: Location): readonly FooteredNode[] {
  const within = bytes.subarray(0, end);
  const started = new Map<number, Node>();
  const nodes: FooteredNode[] = [];
  const add = (at: number, footerOf: number | undefined): void => {
    const node = nodeAt(within, at, started);
    if (node === undefined) return;
    if (nodes.length === QEVM_LIMITS.sections) {
      const expected = `at most ${QEVM_LIMITS.sections}`;
      throw parseError('LIMIT_EXCEEDED', 'too many sections', location, offset + at, expected, 'more');
    }
    if (node.type === 'start') started.set(node.id, node);
    nodes.push({ ...node, footerOf });
  };
  add(0, undefined);
  if (nodes.length === 0) {
    const found = hexByte(bytes[0]);
    throw parseError('CORRUPT', 'no section begins here', location, offset, 'the header of a section', found);
  }
  for (let at = within.indexOf(FOOTER, 1); at !== -1; at = within.indexOf(FOOTER, at + 1)) {
    const after = at + FOOTER_BYTES;
    if (after < end) add(after, viewOf(within).getUint32(at + 1));
  }
  return nodes;
}

type NodeWithoutFooter = Omit<FooteredNode, 'footerOf'>;

function nodeAt(bytes: Uint8Array, at: number, started: ReadonlyMap<number, Node>): NodeWithoutFooter | undefined {
  switch (bytes[at]) {
    case SECTION_TYPES.full:
    case SECTION_TYPES.start: {
      const candidate = candidateAt(bytes, at);
      const type = bytes[at] === SECTION_TYPES.full ? 'full' : 'start';
      return candidate === undefined ? undefined : { ...candidate, type };
    }
    case SECTION_TYPES.part:
    case SECTION_TYPES.end: {
      if (at + CONTINUATION_BYTES > bytes.length) return undefined;
      const node = started.get(viewOf(bytes).getUint32(at + 1));
      const type = bytes[at] === SECTION_TYPES.part ? 'part' : 'end';
      return node === undefined
        ? undefined
        : { ...node, type, offset: at, headerBytes: CONTINUATION_BYTES, isFull: false };
    }
    default:
      return undefined;
  }
}

interface Links {
  /** For each node, and for the end: the indexes of the reachable nodes that may precede it. */
  readonly predecessors: readonly (readonly number[])[];
  /** The index of the last node that can be reached. */
  readonly reached: number;
}

function linksOf(nodes: readonly FooteredNode[], bytes: Uint8Array, end: number): Links {
  const byId = new Map<number, number[]>();
  const predecessors: number[][] = [];
  let reached = 0;
  const linksTo = (to: FooteredNode | undefined, at: number, footerOf: number | undefined): number[] => {
    if (footerOf === undefined) return [];
    const latest = (byId.get(footerOf) ?? []).slice(-MAX_SAME_ID);
    return latest.filter((index) => {
      const from = nodes[index];
      return from !== undefined && from.offset + from.headerBytes + FOOTER_BYTES <= at && mayFollow(from, to);
    });
  };
  nodes.forEach((node, index) => {
    const links = linksTo(node, node.offset, node.footerOf);
    predecessors.push(links);
    if (index > 0 && links.length === 0) return;
    reached = index;
    byId.set(node.id, [...(byId.get(node.id) ?? []).slice(1 - MAX_SAME_ID), index]);
  });
  const footer = end - FOOTER_BYTES;
  const lastId = footer >= 0 && bytes[footer] === FOOTER ? viewOf(bytes).getUint32(footer + 1) : undefined;
  predecessors.push(linksTo(undefined, end, lastId));
  return { predecessors, reached };
}

/**
 * No two full sections have the same id. Sections of other types alternate between devices, so they may repeat an id.
 */
function mayFollow(from: FooteredNode, to: FooteredNode | undefined): boolean {
  return to === undefined || !from.isFull || !to.isFull || to.id !== from.id;
}

/** Returns the nodes of the chain that another plausible chain skips. */
function ambiguousIn(
  chain: readonly number[],
  predecessors: readonly (readonly number[])[],
  nodes: readonly FooteredNode[],
): ReadonlySet<number> {
  const end = nodes.length;
  const live = new Set<number>([end]);
  /** At each node, the change in the number of links that skip it: the running sum is that number. */
  const skipChanges = new Int32Array(end + 1);
  const chosen = new Map(chain.map((index, step) => [chain[step + 1] ?? end, index]));
  for (let to = end; to > 0; to -= 1) {
    if (!live.has(to)) continue;
    for (const from of predecessors[to] ?? []) {
      const isLatest = from === predecessors[to]?.at(-1);
      if (chosen.get(to) !== from && !isPlausible(nodes[from], nodes[to], isLatest)) continue;
      live.add(from);
      skipChanges[from + 1] = (skipChanges[from + 1] ?? 0) + 1;
      skipChanges[to] = (skipChanges[to] ?? 0) - 1;
    }
  }
  let skips = 0;
  const skipped = new Set<number>();
  for (let index = 0; index <= end; index += 1) {
    skips += skipChanges[index] ?? 0;
    if (skips > 0) skipped.add(index);
  }
  return new Set(chain.filter((index) => skipped.has(index)));
}

/** Whether `to` may follow `from` in a state into which no guest has planted headers or footers. */
function isPlausible(from: FooteredNode | undefined, to: FooteredNode | undefined, isLatest: boolean): boolean {
  if (from === undefined || to === undefined) return true;
  if (!from.isFull || !to.isFull) return isLatest;
  return to.id > from.id || from.isEarly;
}
